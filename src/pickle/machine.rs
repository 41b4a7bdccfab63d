//! The machine that a pickle is a program for. It builds values, and calls nothing.

use std::collections::HashMap;

use super::error::{PickleError, Result};
use super::text;
use super::value::{Global, Id, Node, Object, Pickle};

const NONE: Id = Id(0);
const FALSE: Id = Id(1);
const TRUE: Id = Id(2);
const EMPTY_TUPLE: Id = Id(3);
/// Bytes that the name of a class or its module may have.
const NAME: usize = 256;

/// The state of a pickle that is being read. No opcode makes more than one value and two entries of the stack, so that
/// memory grows with the bytes read; what a length says is believed when the bytes are there.
pub(super) struct Machine<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Where the present opcode stands.
    opcode_at: usize,
    nodes: Vec<Node<'b>>,
    stack: Vec<Id>,
    /// Where in the stack the open marks are.
    marks: Vec<usize>,
    memo: Vec<Id>,
    /// Values that were put at numbers beyond the next one.
    far_memo: HashMap<u64, Id>,
}

impl<'b> Machine<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let nodes = vec![Node::None, Node::Bool(false), Node::Bool(true), Node::Tuple(Box::default())];
        let (stack, marks, memo) = (Vec::new(), Vec::new(), Vec::new());
        Self { bytes, at: 0, opcode_at: 0, nodes, stack, marks, memo, far_memo: HashMap::new() }
    }

    pub(super) fn run(mut self) -> Result<Pickle<'b>> {
        loop {
            self.opcode_at = self.at;
            let code = self.byte()?;
            if code == b'.' {
                let root = self.pop()?;
                return Ok(Pickle { nodes: self.nodes, root, length: self.at });
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Result<()> {
        match code {
            0x80 => self.protocol(),
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop_or_mark(),
            b'1' => self.pop_frame().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            b'N' => self.push_id(NONE),
            0x88 => self.push_id(TRUE),
            0x89 => self.push_id(FALSE),
            b'I' | b'L' | b'F' | b'S' | b'V' => self.line_value(code),
            b'K' | b'M' => {
                let value = self.unsigned(if code == b'K' { 1 } else { 2 })?;
                self.push(Node::Int(value as i64))
            }
            b'J' => {
                let value = self.unsigned(4)? as u32;
                self.push(Node::Int((value as i32).into()))
            }
            0x8A | 0x8B => self.long(if code == 0x8A { 1 } else { 4 }),
            b'G' => {
                let bits = self.unsigned(8)?;
                self.push(Node::Float(f64::from_bits(bits.swap_bytes())))
            }
            b'U' | b'T' => self.sized(if code == b'U' { 1 } else { 4 }, |bytes| Ok(Node::OldText(bytes.into()))),
            b'C' | b'B' | 0x8E | 0x96 => {
                let width = match code {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                };
                self.sized(width, |bytes| Ok(Node::Bytes(bytes.into())))
            }
            0x8C | b'X' | 0x8D => {
                let width = match code {
                    0x8C => 1,
                    b'X' => 4,
                    _ => 8,
                };
                self.sized(width, |bytes| match str::from_utf8(bytes) {
                    Ok(text) => Ok(Node::Text(text.into())),
                    Err(_) => Err("has a string that is not UTF-8"),
                })
            }
            b'c' | 0x93 => self.global(code),
            b'p' | b'q' | b'r' | 0x94 => self.put(code),
            b'g' | b'h' | b'j' => self.get(code),
            _ => self.container(code),
        }
    }

    fn container(&mut self, code: u8) -> Result<()> {
        match code {
            b']' => self.push(Node::List(Vec::new())),
            b')' => self.push_id(EMPTY_TUPLE),
            b'}' => self.push(Node::Dict(Vec::new())),
            0x8F => self.push(Node::Set(Vec::new())),
            b'l' => {
                let items = self.pop_frame()?;
                self.push(Node::List(items))
            }
            b't' => {
                let items = self.pop_frame()?;
                self.push(Node::Tuple(items.into()))
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(code - 0x84))?;
                self.push(Node::Tuple(items.into()))
            }
            b'd' => {
                let entries = self.pop_entries()?;
                self.push(Node::Dict(entries))
            }
            0x91 => {
                let items = self.pop_frame()?;
                self.push(Node::Set(items))
            }
            b'a' => {
                let items = self.pop_many(1)?;
                self.append(items)
            }
            b'e' | 0x90 => {
                let items = self.pop_frame()?;
                self.append(items)
            }
            b's' => {
                let pair = self.pop_many(2)?;
                self.set_items(vec![(pair[0], pair[1])])
            }
            b'u' => {
                let entries = self.pop_entries()?;
                self.set_items(entries)
            }
            _ => self.call(code),
        }
    }

    /// The opcodes by which Python would call something.
    fn call(&mut self, code: u8) -> Result<()> {
        match code {
            b'R' | 0x81 => {
                let call = self.pop_many(2)?;
                self.object(call[0], call[1])
            }
            0x92 => {
                let call = self.pop_many(3)?;
                match &self.nodes[call[2].0 as usize] {
                    Node::Dict(names) if names.is_empty() => self.object(call[0], call[1]),
                    _ => Err(self.fault("makes an object from arguments with names, which are not read")),
                }
            }
            b'o' | b'i' => {
                let class = if code == b'i' { Some(self.global_of_lines()?) } else { None };
                let mut arguments = self.pop_frame()?;
                let class = match class {
                    Some(global) => self.new_id(Node::Global(Box::new(global)))?,
                    None if arguments.is_empty() => return Err(self.fault("is damaged: a class is missing")),
                    None => arguments.remove(0),
                };
                let arguments = self.new_id(Node::Tuple(arguments.into()))?;
                self.object(class, arguments)
            }
            b'b' => self.build(),
            b'P' | b'Q' => Err(self.fault("refers to an object outside the file (PERSID)")),
            0x82..=0x84 => Err(self.fault("refers to a registry of extensions of Python (EXT)")),
            0x97 | 0x98 => {
                Err(self.fault("has its buffers outside the file (NEXT_BUFFER); pickle it without buffer_callback"))
            }
            other => Err(self.fault(&format!("has the byte {other:#04x}, which is not an opcode"))),
        }
    }

    fn fault(&self, reason: &str) -> PickleError {
        PickleError::new(format!("as a pickle {reason} (at byte {})", self.opcode_at))
    }

    fn ends_early(&self) -> PickleError {
        PickleError::new(format!("ends too early: its pickle is truncated (after byte {})", self.bytes.len()))
    }

    // Bytes

    fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..length).ok_or_else(|| self.ends_early())?;
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of up to 8 bytes, the lowest first.
    fn unsigned(&mut self, width: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// What follows up to a line break.
    fn line(&mut self) -> Result<&'b [u8]> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| self.ends_early())?;
        self.at += length + 1;
        Ok(rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]))
    }

    fn protocol(&mut self) -> Result<()> {
        match self.byte()? {
            0..=5 => Ok(()),
            other => Err(self.fault(&format!("is of protocol {other}, which is not known"))),
        }
    }

    // The stack

    fn new_id(&mut self, node: Node<'b>) -> Result<Id> {
        let too_large = || PickleError::new("has more values than memory holds");
        let id = u32::try_from(self.nodes.len()).map_err(|_| too_large())?;
        self.nodes.try_reserve(1).map_err(|_| too_large())?;
        self.nodes.push(node);
        Ok(Id(id))
    }

    fn push(&mut self, node: Node<'b>) -> Result<()> {
        let id = self.new_id(node)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<()> {
        self.stack.push(id);
        Ok(())
    }

    /// Where the open frame starts.
    fn frame(&self) -> usize {
        self.marks.last().copied().unwrap_or_default()
    }

    fn pop(&mut self) -> Result<Id> {
        let value = if self.stack.len() > self.frame() { self.stack.pop() } else { None };
        value.ok_or_else(|| self.fault("is damaged: a value is missing"))
    }

    fn pop_or_mark(&mut self) -> Result<()> {
        if self.stack.len() == self.frame() && self.marks.pop().is_some() {
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn top(&self) -> Result<Id> {
        let top = self.stack.last().filter(|_| self.stack.len() > self.frame());
        top.copied().ok_or_else(|| self.fault("is damaged: a value is missing"))
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>> {
        let first = self.stack.len().checked_sub(count).filter(|&first| first >= self.frame());
        let first = first.ok_or_else(|| self.fault("is damaged: a value is missing"))?;
        Ok(self.stack.split_off(first))
    }

    fn pop_frame(&mut self) -> Result<Vec<Id>> {
        let start = self.marks.pop().ok_or_else(|| self.fault("is damaged: a mark is missing"))?;
        Ok(self.stack.split_off(start))
    }

    fn pop_entries(&mut self) -> Result<Vec<(Id, Id)>> {
        let items = self.pop_frame()?;
        let (pairs, rest) = items.as_chunks();
        match rest {
            [] => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
            _ => Err(self.fault("is damaged: a key has no value")),
        }
    }

    // Values

    fn line_value(&mut self, code: u8) -> Result<()> {
        let line = self.line()?;
        let node = match (code, line) {
            (b'I', b"00") => return self.push_id(FALSE),
            (b'I', b"01") => return self.push_id(TRUE),
            (b'S', literal) => text::unquoted(literal.trim_ascii()).map(|bytes| Node::OldText(bytes.into())),
            (b'V', line) => text::unescaped(line).map(Node::Text),
            (b'F', line) => str::from_utf8(line).ok().and_then(|text| text.trim().parse().ok()).map(Node::Float),
            (_, line) => str::from_utf8(line).ok().and_then(|text| {
                let text = text.trim().trim_end_matches('L');
                let small = text.parse().ok().map(Node::Int);
                small.or_else(|| Some(Node::BigInt(text::two_s_complement(text)?.into())))
            }),
        };
        let node = node.ok_or_else(|| self.fault("is damaged: a line does not hold what its opcode says"))?;
        self.push(node)
    }

    fn long(&mut self, width: usize) -> Result<()> {
        let length = self.unsigned(width)? as usize;
        let bytes = self.take(length)?;
        if length > 8 {
            return self.push(Node::BigInt(bytes.into()));
        }
        let fill = if bytes.last().is_some_and(|last| last & 0x80 != 0) { 0xFF } else { 0 };
        let mut value = [fill; 8];
        value[..length].copy_from_slice(bytes);
        self.push(Node::Int(i64::from_le_bytes(value)))
    }

    fn sized(&mut self, width: usize, make: impl FnOnce(&'b [u8]) -> Result<Node<'b>, &'static str>) -> Result<()> {
        let length = usize::try_from(self.unsigned(width)?).map_err(|_| self.ends_early())?;
        let bytes = self.take(length)?;
        let node = make(bytes).map_err(|reason| self.fault(reason))?;
        self.push(node)
    }

    fn global_of_lines(&mut self) -> Result<Global<'b>> {
        let (module, name) = (self.line()?, self.line()?);
        Ok(Global { module: String::from_utf8_lossy(module), name: String::from_utf8_lossy(name) })
    }

    fn global(&mut self, code: u8) -> Result<()> {
        let global = if code == b'c' {
            self.global_of_lines()?
        } else {
            let names = self.pop_many(2)?;
            match (&self.nodes[names[0].0 as usize], &self.nodes[names[1].0 as usize]) {
                // A long name would be copied once for each time that it is used.
                (Node::Text(module), Node::Text(name)) if module.len().max(name.len()) > NAME => {
                    return Err(self.fault("has a very long name of a class"));
                }
                (Node::Text(module), Node::Text(name)) => Global { module: module.clone(), name: name.clone() },
                _ => return Err(self.fault("is damaged: STACK_GLOBAL has no name")),
            }
        };
        self.push(Node::Global(Box::new(global)))
    }

    fn object(&mut self, class: Id, arguments: Id) -> Result<()> {
        if !matches!(self.nodes[arguments.0 as usize], Node::Tuple(_)) {
            return Err(self.fault("is damaged: a call has no arguments"));
        }
        let object = Object { class, arguments, state: None, items: Vec::new(), entries: Vec::new() };
        self.push(Node::Object(Box::new(object)))
    }

    fn append(&mut self, mut items: Vec<Id>) -> Result<()> {
        let top = self.top()?;
        match &mut self.nodes[top.0 as usize] {
            Node::List(list) | Node::Set(list) => list.append(&mut items),
            Node::Object(object) => object.items.append(&mut items),
            _ => return Err(self.fault("is damaged: it appends to something that is not a list")),
        }
        Ok(())
    }

    fn set_items(&mut self, mut entries: Vec<(Id, Id)>) -> Result<()> {
        let top = self.top()?;
        match &mut self.nodes[top.0 as usize] {
            Node::Dict(dict) => dict.append(&mut entries),
            Node::Object(object) => object.entries.append(&mut entries),
            _ => return Err(self.fault("is damaged: it sets items of something that is not a dictionary")),
        }
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let top = self.top()?;
        match &mut self.nodes[top.0 as usize] {
            Node::Object(object) => object.state = Some(state),
            _ => return Err(self.fault("is damaged: BUILD changes something that is not an object")),
        }
        Ok(())
    }

    // The memo

    fn memo_index(&mut self, code: u8) -> Result<u64> {
        match code {
            b'p' | b'g' => {
                let line = self.line()?;
                let index = str::from_utf8(line).ok().and_then(|text| text.trim().parse().ok());
                index.ok_or_else(|| self.fault("is damaged: a number of the memo is missing"))
            }
            b'q' | b'h' => self.unsigned(1),
            0x94 => Ok(self.memo.len() as u64 + self.far_memo.len() as u64),
            _ => self.unsigned(4),
        }
    }

    fn put(&mut self, code: u8) -> Result<()> {
        let (index, top) = (self.memo_index(code)?, self.top()?);
        let known = usize::try_from(index).ok().and_then(|index| self.memo.get_mut(index));
        if let Some(known) = known {
            *known = top;
        } else if index == self.memo.len() as u64 {
            self.memo.push(top);
        } else {
            self.far_memo.insert(index, top);
        }
        Ok(())
    }

    fn get(&mut self, code: u8) -> Result<()> {
        let index = self.memo_index(code)?;
        let near = usize::try_from(index).ok().and_then(|index| self.memo.get(index));
        let value = near.or_else(|| self.far_memo.get(&index)).copied();
        let value = value.ok_or_else(|| self.fault("is damaged: it fetches a value that it has not put"))?;
        self.push_id(value)
    }
}
