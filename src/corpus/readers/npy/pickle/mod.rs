//! Reads the pickle of a NumPy array of token lists, and of nothing else. It knows the opcodes that such arrays are
//! written with, keeps values only, and runs nothing.

mod opcodes;
mod value;

use std::collections::{HashMap, VecDeque};
use std::io::BufRead;
use std::sync::Arc;

pub(super) use self::opcodes::read_error;
use self::opcodes::{NAME, Op, Ops};
pub(super) use self::value::Sentence;
use self::value::{Global, Token, Value, token};
use crate::error::{Error, Result};

/// What is wrong with an array that is not laid out row by row, and what to do.
pub(super) const FORTRAN: &str = "is in Fortran order; save np.ascontiguousarray(array)";

/// Items that may be held of a list until they are appended to it: what pickle writes at a time.
const BATCH: usize = 1000;
/// Frames that a mark may open: NumPy's state, the array's items, one sentence.
const DEPTH: usize = 3;

/// Which values of the memo are ever fetched from it. Pickle memoises every string, and fetches few.
#[derive(Default)]
pub(super) struct Fetched(Vec<u64>);

impl Fetched {
    /// Reads a pickle to its end.
    pub(super) fn scan(input: impl BufRead, origin: &str) -> Result<Self> {
        let (mut ops, mut fetched, mut memoised) = (Ops::new(input, origin), Self::default(), 0);
        loop {
            match ops.next()? {
                Op::Stop => return Ok(fetched),
                Op::Text(length) | Op::Bytes(length) => ops.skip(length)?,
                Op::Put(index) => memoised = next_index(&ops, memoised, index)?,
                // Thus no index is beyond the length of the file.
                Op::Get(index) if index >= memoised => return Err(ops.damaged("it fetches what it has not yet")),
                Op::Get(index) => fetched.insert(index as usize),
                _ => {}
            }
        }
    }

    fn insert(&mut self, index: usize) {
        if self.0.len() <= index / 64 {
            self.0.resize(index / 64 + 1, 0);
        }
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn contains(&self, index: u64) -> bool {
        self.0.get((index / 64) as usize).is_some_and(|bits| bits >> (index % 64) & 1 == 1)
    }
}

/// Counts a value that is put into the memo. Python numbers them in order.
fn next_index<R: BufRead>(ops: &Ops<R>, memoised: u64, index: Option<u64>) -> Result<u64> {
    match index {
        Some(index) if index != memoised => Err(ops.refused("its memo is not in order, as Python writes it")),
        _ => Ok(memoised + 1),
    }
}

/// The sentences of an array, as they come.
pub(super) struct PickleReader<R> {
    ops: Ops<R>,
    shape: Vec<u64>,
    fetched: Arc<Fetched>,
    memo: HashMap<u64, Value>,
    memoised: u64,
    stack: Vec<Value>,
    /// Where in the stack the open frames start.
    marks: Vec<usize>,
    has_items: bool,
    /// Items that the array has been given, of so many.
    given: u64,
    expected: u64,
    /// A row of a matrix of strings, until it is full.
    row: Vec<Token>,
    ready: VecDeque<Sentence>,
    is_done: bool,
}

impl<R: BufRead> PickleReader<R> {
    /// Reads a pickle of an array of this shape, (sentences,) or (sentences, tokens).
    pub(super) fn new(input: R, origin: &str, shape: &[u64], fetched: Arc<Fetched>) -> Result<Self> {
        let ops = Ops::new(input, origin);
        let expected = shape.iter().try_fold(1_u64, |items, &n| items.checked_mul(n));
        let expected = expected.ok_or_else(|| ops.damaged("its shape is larger than any memory"))?;
        Ok(Self {
            ops,
            shape: shape.to_vec(),
            fetched,
            memo: HashMap::new(),
            memoised: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            has_items: false,
            given: 0,
            expected,
            row: Vec::new(),
            ready: VecDeque::new(),
            is_done: false,
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<Sentence>> {
        while self.ready.is_empty() && !self.is_done {
            self.step()?;
        }
        Ok(self.ready.pop_front())
    }

    fn step(&mut self) -> Result<()> {
        match self.ops.next()? {
            Op::Nothing => Ok(()),
            Op::Stop => self.stop(),
            Op::Mark if self.marks.len() == DEPTH => Err(self.ops.refused("it nests lists in lists of lists")),
            Op::Mark => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            Op::Value(value) => self.push(value),
            Op::Text(length) => {
                let text = self.ops.text(length)?;
                self.push(Value::Text(text))
            }
            Op::Bytes(length) => {
                self.ops.skip(length)?;
                self.push(Value::Bytes)
            }
            Op::Global(module, name) => self.global(&module, &name),
            Op::StackGlobal => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => self.global(&module, &name),
                _ => Err(self.ops.refused("STACK_GLOBAL calls what has no name")),
            },
            Op::EmptyList => self.empty_list(),
            Op::Append => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            Op::Appends => {
                let items = self.pop_frame()?;
                self.append(items)
            }
            Op::Tuple(length) => self.tuple(length),
            Op::Put(index) => self.put(index),
            Op::Get(index) => match self.memo.get(&index).cloned() {
                Some(value) => self.push(value),
                None => Err(self.ops.damaged("it fetches a value that it has not, or it changed while it was read")),
            },
            Op::Reduce => self.reduce(),
            Op::Build => self.build(),
        }
    }

    fn push(&mut self, value: Value) -> Result<()> {
        // A sentence may be a tuple, which comes in one piece; the last one may have no frame of its own around it.
        let may_be_sentence = self.marks.len() == DEPTH || self.has_items && self.expected - self.given == 1;
        let start = self.marks.last().copied().unwrap_or_default();
        // Up to three more are the tokens of a short tuple.
        if !may_be_sentence && self.stack.len() - start >= BATCH + 3 {
            return Err(self.ops.refused(format!("it holds more than {BATCH} items back")));
        }
        self.stack.push(value);
        Ok(())
    }

    /// Takes the topmost value of the open frame.
    fn pop(&mut self) -> Result<Value> {
        let start = self.marks.last().copied().unwrap_or_default();
        let value = if self.stack.len() > start { self.stack.pop() } else { None };
        value.ok_or_else(|| self.ops.damaged("a value is missing"))
    }

    fn pop_frame(&mut self) -> Result<Vec<Value>> {
        let start = self.marks.pop().ok_or_else(|| self.ops.damaged("a mark is missing"))?;
        Ok(self.stack.split_off(start))
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        if let Some(global) = Global::new(module, name) {
            return self.push(Value::Global(global));
        }
        let short = |name: &str| name.chars().take(NAME).flat_map(char::escape_debug).collect::<String>();
        let hint = match module.starts_with("numpy") && name == "scalar" {
            true => ", as NumPy's own strings and numbers need it (make strings of them with .tolist())",
            false => "",
        };
        Err(self.ops.refused(format!("it calls {}.{}{hint}", short(module), short(name))))
    }

    /// A sentence, but for the first list, which is that of the array's items.
    fn empty_list(&mut self) -> Result<()> {
        if self.has_items {
            return self.push(Value::List(Vec::new(), None));
        }
        let [Value::Array, Value::Int(1), Value::Tuple(shape, _), Value::DType, Value::Bool(is_fortran)] =
            self.stack.as_slice()
        else {
            return Err(self.ops.refused("it is not the pickle of an array"));
        };
        let is_same = |(found, said): (&Value, &u64)| matches!(found, Value::Int(n) if u64::try_from(*n) == Ok(*said));
        if shape.len() != self.shape.len() || !shape.iter().zip(&self.shape).all(is_same) {
            return Err(self.ops.damaged("its header and its pickle disagree about the shape"));
        }
        if *is_fortran {
            return Err(Error::corpus(&self.ops.origin, FORTRAN));
        }
        self.has_items = true;
        self.push(Value::Items)
    }

    fn append(&mut self, items: Vec<Value>) -> Result<()> {
        let index = self.index();
        match self.stack.last_mut() {
            Some(Value::List(tokens, _)) => {
                for item in items {
                    tokens.push(token(item).map_err(|found| not_a_string(&self.ops.origin, index, found))?);
                }
                Ok(())
            }
            Some(Value::Items) => items.into_iter().try_for_each(|item| self.give(item)),
            _ => Err(self.ops.refused("it appends to something that is not a list")),
        }
    }

    /// The index in the array of the item that is being read.
    fn index(&self) -> u64 {
        let held = self.marks.get(1).map_or(0, |&start| self.stack.len().saturating_sub(start + 1));
        self.given + held as u64
    }

    /// Gives the array its next item.
    fn give(&mut self, item: Value) -> Result<()> {
        let index = self.given;
        if index == self.expected {
            return Err(self.ops.damaged(format!("it holds more items than the {} of its shape", self.expected)));
        }
        self.given += 1;
        if let Some(&width) = self.shape.get(1) {
            self.row.push(token(item).map_err(|found| {
                Error::corpus(&self.ops.origin, format!("item {index} is {found}; expected strings in a 2-D array"))
            })?);
            if self.row.len() as u64 == width {
                self.ready.push_back(Some(std::mem::take(&mut self.row).into()));
            }
            return Ok(());
        }
        let sentence = self.sentence(item, index)?;
        self.ready.push_back(sentence);
        Ok(())
    }

    fn sentence(&mut self, item: Value, index: u64) -> Result<Sentence> {
        let origin = &self.ops.origin;
        Ok(Some(match item {
            Value::None => return Ok(None),
            Value::List(tokens, memo) => {
                let tokens: Arc<[Token]> = tokens.into();
                if let Some(index) = memo {
                    self.memo.insert(index, Value::Sentence(tokens.clone()));
                }
                tokens
            }
            Value::Tuple(items, _) => {
                let tokens = items.iter().cloned().map(token).collect::<std::result::Result<_, _>>();
                tokens.map_err(|found| not_a_string(origin, index, found))?
            }
            Value::Sentence(tokens) => tokens,
            Value::Same(index) => match self.memo.get(&index) {
                Some(Value::Sentence(tokens)) => tokens.clone(),
                _ => return Err(self.ops.refused("a list holds itself")),
            },
            Value::Text(_) => {
                let reason = "holds strings; expected lists of strings. Split them first, as in \
                     [text.split() for text in array].";
                return Err(Error::corpus(origin, reason));
            }
            other => {
                let reason = format!("item {index} is {}; expected a list of strings", other.name());
                return Err(Error::corpus(origin, reason));
            }
        }))
    }

    fn tuple(&mut self, length: Option<usize>) -> Result<()> {
        let items: Vec<Value> = match length {
            None => self.pop_frame()?,
            Some(length) => {
                let start = self.marks.last().copied().unwrap_or_default();
                let first = self.stack.len().checked_sub(length).filter(|&first| first >= start);
                self.stack.split_off(first.ok_or_else(|| self.ops.damaged("a value is missing"))?)
            }
        };
        // Deeper ones would be dropped by recursion.
        if items.iter().any(|item| matches!(item, Value::Tuple(_, true))) {
            return Err(self.ops.refused("it nests tuples in tuples of tuples"));
        }
        let is_nested = items.iter().any(|item| matches!(item, Value::Tuple(..)));
        self.push(Value::Tuple(items.into(), is_nested))
    }

    /// Keeps the topmost value if it is ever fetched.
    fn put(&mut self, index: Option<u64>) -> Result<()> {
        let place = self.memoised;
        self.memoised = next_index(&self.ops, place, index)?;
        if self.fetched.contains(place) {
            let value = match self.stack.last_mut() {
                Some(Value::List(_, memo)) => {
                    *memo = Some(place);
                    Value::Same(place)
                }
                Some(value) => value.clone(),
                None => return Err(self.ops.damaged("a value is missing")),
            };
            self.memo.insert(place, value);
        }
        Ok(())
    }

    /// What a call of a known global with NumPy's own arguments stands for.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Tuple(arguments, _), Value::Global(function)) = (arguments, function) else {
            return Err(self.ops.refused("REDUCE calls something that is not a function"));
        };
        let made = match (function, &*arguments) {
            (Global::Reconstruct, _) if self.has_items => {
                return Err(self.ops.refused("an item is an array; save lists, as in [row.tolist() for row in array]"));
            }
            (Global::Reconstruct, [Value::Global(Global::NdArray), Value::Tuple(..), Value::Bytes]) => Value::Array,
            (Global::DType, [Value::Text(kind), _, _]) if kind.starts_with('O') => Value::DType,
            (Global::Encode, [Value::Text(text), Value::Text(codec)]) if (&**text, &**codec) == ("b", "latin1") => {
                Value::Bytes
            }
            _ => return Err(self.ops.refused("REDUCE calls with arguments that are not NumPy's")),
        };
        self.push(made)
    }

    fn build(&mut self) -> Result<()> {
        let Value::Tuple(state, _) = self.pop()? else {
            return Err(self.ops.refused("BUILD has no state of an array"));
        };
        match (self.stack.last_mut(), &*state) {
            (Some(Value::DType), _) => Ok(()),
            (
                Some(array @ Value::Array),
                [Value::Int(1), Value::Tuple(..), Value::DType, Value::Bool(_), Value::Items],
            ) => {
                *array = Value::Filled;
                Ok(())
            }
            _ => Err(self.ops.refused("BUILD changes something that is not an array")),
        }
    }

    fn stop(&mut self) -> Result<()> {
        if !matches!(self.stack.as_slice(), [Value::Filled]) {
            return Err(self.ops.refused("it is not the pickle of an array"));
        }
        if self.given < self.expected {
            let reason = format!("it holds {} items, not the {} of its shape", self.given, self.expected);
            return Err(self.ops.damaged(reason));
        }
        let rest = self.ops.input.fill_buf().map_err(|error| read_error(&self.ops.origin, error))?;
        if !rest.is_empty() {
            return Err(Error::corpus(&self.ops.origin, "goes on after its array; save one array in a file"));
        }
        self.is_done = true;
        Ok(())
    }
}

fn not_a_string(origin: &str, index: u64, found: &str) -> Error {
    Error::corpus(origin, format!("item {index} is a list that holds {found}; expected a list of strings"))
}
