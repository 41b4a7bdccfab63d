//! The pickle that follows the header of a `.npy` file of objects.

use super::array::{Array, Data};
use super::value::{Id, Pickle};
use super::{PickleError, Result, read};

/// An array of objects. Its items are values of [`pickle`](Self::pickle).
#[derive(Debug)]
#[allow(dead_code)]
pub(crate) struct ObjectArray<'b> {
    pickle: Pickle<'b>,
    items: Vec<Id>,
    shape: Vec<usize>,
}

#[allow(dead_code)]
impl<'b> ObjectArray<'b> {
    /// Reads the pickle of an array of objects, of this shape if there is a header that says so.
    ///
    /// # Errors
    /// If it is damaged, or something else.
    pub(crate) fn read(bytes: &'b [u8], shape: Option<&[u64]>) -> Result<Self> {
        let pickle = read(bytes)?;
        let array = Array::new(&pickle, pickle.root())?;
        let Data::Objects(items) = array.data else {
            return Err(PickleError::new("has a pickle of numbers; expected objects"));
        };
        if shape.is_some_and(|shape| !array.shape.iter().map(|&n| n as u64).eq(shape.iter().copied())) {
            return Err(PickleError::new("is damaged: its header and its pickle disagree about the shape"));
        }
        let items = if array.is_fortran && array.shape.len() == 2 {
            let [rows, columns] = [array.shape[0], array.shape[1]];
            (0..items.len()).map(|index| items[index % columns * rows + index / columns]).collect()
        } else if array.is_fortran && array.shape.len() > 2 {
            return Err(PickleError::new("has objects in Fortran order; save np.ascontiguousarray(array)"));
        } else {
            items.to_vec()
        };
        let shape = array.shape;
        Ok(Self { pickle, items, shape })
    }

    /// The values that the items refer to.
    pub(crate) fn pickle(&self) -> &Pickle<'b> {
        &self.pickle
    }

    /// The items, in C order.
    pub(crate) fn items(&self) -> &[Id] {
        &self.items
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }
}
