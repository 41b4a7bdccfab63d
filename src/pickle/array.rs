//! NumPy's arrays and scalars in a pickle.

use std::borrow::Cow;

use half::f16;

use super::error::{PickleError, Result};
use super::value::{Id, Node, Object, Pickle};

/// The type of an array's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemType {
    /// NumPy's kind: `f`, `i`, `u`, `b`, `S`, `U` or `O`.
    pub(crate) kind: char,
    /// Bytes of an item.
    pub(crate) size: usize,
    pub(crate) is_big_endian: bool,
}

/// An array, whose shape fits what it holds.
#[derive(Debug)]
pub(crate) struct Array<'p> {
    pub(crate) item: ItemType,
    pub(crate) shape: Vec<usize>,
    pub(crate) is_fortran: bool,
    pub(crate) data: Data<'p>,
}

/// What an array holds.
#[derive(Debug)]
pub(crate) enum Data<'p> {
    Bytes(Cow<'p, [u8]>),
    Objects(&'p [Id]),
}

impl ItemType {
    /// The type of this name: `<f4`, `f8`, `O`, `|S5`.
    pub(crate) fn parse(descr: &str) -> Option<Self> {
        let name = descr.trim_start_matches(['<', '>', '|', '=']);
        let kind = name.chars().next()?;
        let width = if name.len() > 1 { name[kind.len_utf8()..].parse::<usize>().ok()? } else { 0 };
        let size = match kind {
            'f' if matches!(width, 2 | 4 | 8) => width,
            'i' | 'u' if matches!(width, 1 | 2 | 4 | 8) => width,
            'b' if width <= 1 => 1,
            'S' => width,
            'U' => width.checked_mul(4)?,
            'O' => 0,
            _ => return None,
        };
        Some(Self { kind, size, is_big_endian: descr.starts_with('>') })
    }
}

impl<'p> Array<'p> {
    /// The array of these bytes.
    ///
    /// # Errors
    /// If there are not as many as its shape needs.
    pub(crate) fn of_bytes(item: ItemType, shape: Vec<usize>, is_fortran: bool, bytes: Cow<'p, [u8]>) -> Result<Self> {
        let size = items_of(&shape).and_then(|items| items.checked_mul(item.size));
        if item.kind == 'O' || size != Some(bytes.len()) {
            let reason = format!("has an array of {} bytes, which does not fit its shape {shape:?}", bytes.len());
            return Err(PickleError::new(reason));
        }
        Ok(Self { item, shape, is_fortran, data: Data::Bytes(bytes) })
    }

    /// The array that a value stands for.
    ///
    /// # Errors
    /// If it is something else, of a type that is not read, or of another size than its shape says.
    pub(crate) fn new(pickle: &'p Pickle<'_>, id: Id) -> Result<Self> {
        let unexpected = || pickle.unexpected(id, "an array");
        let object = pickle.object(id).ok_or_else(unexpected)?;
        match (numpy_name(pickle, object.class).as_deref(), pickle.tuple(object.arguments)) {
            (Some("_reconstruct"), Some(&[class, ..]))
                if matches!(numpy_name(pickle, class).as_deref(), Some("ndarray" | "memmap")) =>
            {
                let state = object.state.and_then(|state| pickle.tuple(state));
                let Some(&[.., shape, item, order, data]) = state else {
                    return Err(PickleError::new("has an array without its values"));
                };
                Self::of_parts(pickle, shape, item, matches!(pickle.node(order), Node::Bool(true)), data)
            }
            (Some("_frombuffer"), Some(&[data, item, shape, order])) => {
                Self::of_parts(pickle, shape, item, pickle.text(order).as_deref() == Some("F"), data)
            }
            _ => Err(unexpected()),
        }
    }

    fn of_parts(pickle: &'p Pickle<'_>, shape: Id, item: Id, is_fortran: bool, data: Id) -> Result<Self> {
        let length = |&length: &Id| usize::try_from(pickle.integer(length)?).ok();
        let shape = pickle.tuple(shape).and_then(|shape| shape.iter().map(length).collect::<Option<Vec<usize>>>());
        let shape = shape.ok_or_else(|| PickleError::new("has an array without a shape"))?;
        let item = item_type(pickle, item)?;
        if item.kind != 'O' {
            let bytes = pickle.bytes(data).ok_or_else(|| pickle.unexpected(data, "the bytes of an array"))?;
            return Self::of_bytes(item, shape, is_fortran, bytes);
        }
        let objects = pickle.list(data).ok_or_else(|| pickle.unexpected(data, "the items of an array"))?;
        if items_of(&shape) != Some(objects.len()) {
            let reason = format!("has an array of {} items, which does not fit its shape {shape:?}", objects.len());
            return Err(PickleError::new(reason));
        }
        Ok(Self { item, shape, is_fortran, data: Data::Objects(objects) })
    }

    /// The array of one item that a NumPy scalar is.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn scalar(pickle: &'p Pickle<'_>, id: Id) -> Result<Self> {
        let unexpected = || pickle.unexpected(id, "a number");
        let object = pickle.object(id).ok_or_else(unexpected)?;
        match (numpy_name(pickle, object.class).as_deref(), pickle.tuple(object.arguments)) {
            (Some("scalar"), Some(&[item, data])) => {
                let bytes = pickle.bytes(data).ok_or_else(unexpected)?;
                Self::of_bytes(item_type(pickle, item)?, Vec::new(), false, bytes)
            }
            _ => Err(unexpected()),
        }
    }

    /// The number of items.
    pub(crate) fn len(&self) -> usize {
        match &self.data {
            Data::Objects(items) => items.len(),
            Data::Bytes(_) => items_of(&self.shape).unwrap_or_default(),
        }
    }

    fn item_bytes<const N: usize>(&self, index: usize) -> Option<[u8; N]> {
        let Data::Bytes(bytes) = &self.data else { return None };
        let start = index.checked_mul(self.item.size)?;
        let mut item: [u8; N] = bytes.get(start..start.checked_add(N)?)?.try_into().ok()?;
        if self.item.is_big_endian {
            item.reverse();
        }
        Some(item)
    }

    /// An item as it lies, if it is a whole number.
    pub(crate) fn integer(&self, index: usize) -> Option<i64> {
        match (self.item.kind, self.item.size) {
            ('i', 1) => Some(i8::from_le_bytes(self.item_bytes(index)?).into()),
            ('i', 2) => Some(i16::from_le_bytes(self.item_bytes(index)?).into()),
            ('i', 4) => Some(i32::from_le_bytes(self.item_bytes(index)?).into()),
            ('i', 8) => Some(i64::from_le_bytes(self.item_bytes(index)?)),
            ('u' | 'b', 1) => Some(u8::from_le_bytes(self.item_bytes(index)?).into()),
            ('u', 2) => Some(u16::from_le_bytes(self.item_bytes(index)?).into()),
            ('u', 4) => Some(u32::from_le_bytes(self.item_bytes(index)?).into()),
            ('u', 8) => i64::try_from(u64::from_le_bytes(self.item_bytes(index)?)).ok(),
            _ => None,
        }
    }

    /// An item as it lies, if it is a number.
    pub(crate) fn number(&self, index: usize) -> Option<f64> {
        match (self.item.kind, self.item.size) {
            ('f', 2) => Some(f16::from_le_bytes(self.item_bytes(index)?).to_f64()),
            ('f', 4) => Some(f32::from_le_bytes(self.item_bytes(index)?).into()),
            ('f', 8) => Some(f64::from_le_bytes(self.item_bytes(index)?)),
            _ => self.integer(index).map(|value| value as f64),
        }
    }

    /// An item as it lies, if it is text of fixed width. Bytes are taken as Latin-1.
    pub(crate) fn text(&self, index: usize) -> Option<String> {
        let Data::Bytes(bytes) = &self.data else { return None };
        let start = index.checked_mul(self.item.size)?;
        let item = bytes.get(start..start.checked_add(self.item.size)?)?;
        let text: String = match self.item.kind {
            'S' => item.iter().map(|&byte| char::from(byte)).collect(),
            'U' => {
                let code = |unit: &[u8; 4]| match self.item.is_big_endian {
                    true => u32::from_be_bytes(*unit),
                    false => u32::from_le_bytes(*unit),
                };
                item.as_chunks().0.iter().map(|unit| char::from_u32(code(unit))).collect::<Option<_>>()?
            }
            _ => return None,
        };
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// The values of a matrix row by row, and its shape. float32 is rounded to nearest from wider floats.
    ///
    /// # Errors
    /// If it is not a matrix of floats, or there is no memory.
    pub(crate) fn to_rows(&self) -> Result<(Vec<f32>, [usize; 2])> {
        let &[rows, columns] = self.shape.as_slice() else {
            return Err(PickleError::new(format!("has an array of shape {:?}; expected a matrix", self.shape)));
        };
        let Data::Bytes(bytes) = &self.data else {
            return Err(PickleError::new("has an array of objects; expected numbers"));
        };
        let mut values = Vec::new();
        let no_memory = |_| PickleError::new("has a matrix that does not fit in memory");
        values.try_reserve_exact(rows * columns).map_err(no_memory)?;
        if !self.is_fortran && (self.item.kind, self.item.size, self.item.is_big_endian) == ('f', 4, false) {
            values.extend(bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)));
            return Ok((values, [rows, columns]));
        }
        for index in 0..rows * columns {
            let at = if self.is_fortran { index % columns * rows + index / columns } else { index };
            let value = self.number(at).ok_or_else(|| PickleError::new("has an array that is not of numbers"))?;
            values.push(value as f32);
        }
        Ok((values, [rows, columns]))
    }
}

impl Pickle<'_> {
    /// A string, also one of NumPy's. [`text`](Self::text) does not look into those, as the name of their type is a
    /// string too.
    pub(crate) fn word(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.node(id) {
            Node::Object(_) => Array::scalar(self, id).ok()?.text(0).map(Cow::Owned),
            _ => self.text(id),
        }
    }

    /// Bytes that a [`word`](Self::word) has in the file.
    pub(crate) fn text_length(&self, id: Id) -> usize {
        match self.node(id) {
            Node::Text(text) => text.len(),
            Node::OldText(bytes) => bytes.len(),
            Node::Object(_) => Array::scalar(self, id).map_or(0, |array| array.item.size),
            _ => 0,
        }
    }

    /// A whole number, also one of NumPy's and True or False.
    pub(crate) fn integer(&self, id: Id) -> Option<i64> {
        match self.node(id) {
            Node::Int(value) => Some(*value),
            Node::Bool(value) => Some(i64::from(*value)),
            Node::Object(_) => Array::scalar(self, id).ok()?.integer(0),
            _ => None,
        }
    }

    /// A number, also one of NumPy's.
    pub(crate) fn number(&self, id: Id) -> Option<f64> {
        match self.node(id) {
            Node::Float(value) => Some(*value),
            Node::Object(_) => Array::scalar(self, id).ok()?.number(0),
            _ => self.integer(id).map(|value| value as f64),
        }
    }
}

fn items_of(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |items, &length| items.checked_mul(length))
}

/// The name of something of NumPy's, without its module, which has changed over time.
fn numpy_name<'p>(pickle: &'p Pickle<'_>, id: Id) -> Option<Cow<'p, str>> {
    let global = pickle.global(id)?;
    let is_numpy = global.module == "numpy" || global.module.starts_with("numpy.");
    is_numpy.then(|| Cow::Borrowed(&*global.name))
}

/// The type that a `numpy.dtype` stands for.
fn item_type(pickle: &Pickle<'_>, id: Id) -> Result<ItemType> {
    let unexpected = || pickle.unexpected(id, "a type of NumPy's");
    let object = pickle.object(id).ok_or_else(unexpected)?;
    let arguments = pickle.tuple(object.arguments).unwrap_or_default();
    let ("dtype", Some(&name)) = (numpy_name(pickle, object.class).ok_or_else(unexpected)?.as_ref(), arguments.first())
    else {
        return Err(unexpected());
    };
    let name = pickle.text(name).ok_or_else(unexpected)?;
    let item = ItemType::parse(&name);
    let item = item.ok_or_else(|| PickleError::new(format!("has an array of the type {name:?}, which is not read")))?;
    Ok(ItemType { is_big_endian: item.is_big_endian || is_big_endian(pickle, object), ..item })
}

fn is_big_endian(pickle: &Pickle<'_>, dtype: &Object) -> bool {
    let state = dtype.state.and_then(|state| pickle.tuple(state));
    let order = state.and_then(|state| pickle.text(*state.get(1)?));
    order.as_deref() == Some(">")
}
