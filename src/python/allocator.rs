//! Where the extension module takes its memory from.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi::{Py_IsInitialized, PyCapsule_Import, PyDict_GetItemString, PyErr_Clear, PyImport_GetModuleDict};
use pyo3::prelude::*;

/// Takes memory from Polars' allocator if Python has imported Polars before the first memory is asked for, as the package
/// does, and otherwise from the system's.
///
/// Columns go between Polars and an expression by Arrow's C interface, where each side frees what it made. So neither
/// choice is wrong; with Polars' allocator there is one pool for both. The command alone never meets Python's Polars, and
/// to import it takes longer than a short command runs.
pub(super) struct Allocator(AtomicPtr<Functions>);

/// What Polars offers in the capsule `polars.polars._allocator`. Of two numbers the first is a size, the second an
/// alignment; the last of `realloc` is the new size.
#[repr(C)]
struct Functions {
    alloc: unsafe extern "C" fn(usize, usize) -> *mut u8,
    dealloc: unsafe extern "C" fn(*mut u8, usize, usize),
    alloc_zeroed: unsafe extern "C" fn(usize, usize) -> *mut u8,
    realloc: unsafe extern "C" fn(*mut u8, usize, usize, usize) -> *mut u8,
}

static SYSTEM: Functions =
    Functions { alloc: system_alloc, dealloc: system_dealloc, alloc_zeroed: system_zeroed, realloc: system_realloc };

// SAFETY of the four: size and alignment are those of a layout that `Allocator` was given, the pointer is one it gave.
unsafe extern "C" fn system_alloc(size: usize, align: usize) -> *mut u8 {
    // SAFETY: as above.
    unsafe { System.alloc(Layout::from_size_align_unchecked(size, align)) }
}

unsafe extern "C" fn system_dealloc(pointer: *mut u8, size: usize, align: usize) {
    // SAFETY: as above.
    unsafe { System.dealloc(pointer, Layout::from_size_align_unchecked(size, align)) }
}

unsafe extern "C" fn system_zeroed(size: usize, align: usize) -> *mut u8 {
    // SAFETY: as above.
    unsafe { System.alloc_zeroed(Layout::from_size_align_unchecked(size, align)) }
}

unsafe extern "C" fn system_realloc(pointer: *mut u8, size: usize, align: usize, new_size: usize) -> *mut u8 {
    // SAFETY: as above.
    unsafe { System.realloc(pointer, Layout::from_size_align_unchecked(size, align), new_size) }
}

impl Allocator {
    pub(super) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    fn functions(&self) -> &'static Functions {
        let chosen = self.0.load(Ordering::Acquire);
        // SAFETY: null, or what `choose` has stored, which is never freed.
        unsafe { chosen.as_ref() }.unwrap_or_else(|| self.choose())
    }

    /// Chooses once for the process, since memory goes back to where it came from. Nothing here may allocate by Rust.
    #[cold]
    fn choose(&self) -> &'static Functions {
        let choice = polars_functions().unwrap_or(&SYSTEM);
        let stored = ptr::from_ref(choice).cast_mut();
        match self.0.compare_exchange(ptr::null_mut(), stored, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => choice,
            // SAFETY: another thread has stored its choice, which is not null.
            Err(earlier) => unsafe { &*earlier },
        }
    }
}

/// The functions of Polars' allocator, if Python has imported Polars and that has them.
fn polars_functions() -> Option<&'static Functions> {
    // SAFETY: it can be called at any time.
    if unsafe { Py_IsInitialized() } == 0 {
        return None;
    }
    // SAFETY: the thread is attached to the interpreter, which keeps the modules and the capsule. A capsule of this name
    // points to such functions, in the library of Polars, which stays loaded.
    Python::attach(|_| unsafe {
        if PyDict_GetItemString(PyImport_GetModuleDict(), c"polars".as_ptr()).is_null() {
            return None;
        }
        let capsule = PyCapsule_Import(c"polars.polars._allocator".as_ptr(), 0).cast::<Functions>().as_ref();
        if capsule.is_none() {
            PyErr_Clear();
        }
        capsule
    })
}

// SAFETY: the functions chosen are those of one allocator, which keeps to the same rules, for as long as the process runs.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { (self.functions().alloc)(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { (self.functions().dealloc)(pointer, layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { (self.functions().alloc_zeroed)(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { (self.functions().realloc)(pointer, layout.size(), layout.align(), new_size) }
    }
}
