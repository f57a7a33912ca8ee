//! How many bytes keys and values take.

use std::{mem, sync::Arc};

use bytes::Bytes;

/// Header of an [`Arc`], in bytes: its two counters.
pub(crate) const ARC_HEADER: usize = 2 * mem::size_of::<usize>();

/// Header of a shared [`Bytes`], in bytes: start, capacity and counter of its buffer.
const BYTES_HEADER: usize = 3 * mem::size_of::<usize>();

/// The bytes that a value takes in memory.
///
/// An implementation sums up what the fields own on the heap. The value itself is counted by [`weight`](Self::weight),
/// and the fields are part of it.
///
/// ```
/// use stoa_cache::Weigh;
///
/// struct Page {
///     title: Box<str>,
///     body: Vec<u8>,
/// }
///
/// impl Weigh for Page {
///     fn heap_size(&self) -> usize {
///         self.title.heap_size() + self.body.heap_size()
///     }
/// }
///
/// let page = Page { title: "news".into(), body: vec![0; 1000] };
/// assert_eq!(page.heap_size(), 1004);
/// assert_eq!(page.weight(), size_of::<Page>() + 1004);
/// ```
pub trait Weigh {
    /// Bytes on the heap that this value keeps alive, without the value itself.
    ///
    /// What is shared is counted in full by each of its owners.
    fn heap_size(&self) -> usize;

    /// All bytes of this value: its own and those on the heap.
    fn weight(&self) -> usize {
        mem::size_of_val(self) + self.heap_size()
    }
}

/// Implements [`Weigh`] for types that own nothing on the heap.
macro_rules! weigh_inline {
    ($($name:ty),+ $(,)?) => {
        $(impl Weigh for $name {
            fn heap_size(&self) -> usize {
                0
            }
        })+
    };
}

weigh_inline!(
    (),
    bool,
    char,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    str,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    std::time::Duration,
    std::time::Instant,
    std::time::SystemTime,
    tokio::time::Instant,
);

impl Weigh for String {
    fn heap_size(&self) -> usize {
        self.capacity()
    }
}

/// Of a slice of a larger buffer, only the slice is counted: the rest cannot be seen.
impl Weigh for Bytes {
    fn heap_size(&self) -> usize {
        if self.is_empty() {
            0
        } else {
            BYTES_HEADER + self.len()
        }
    }
}

impl<T: Weigh> Weigh for [T] {
    fn heap_size(&self) -> usize {
        self.iter().map(T::heap_size).sum()
    }
}

impl<T: Weigh, const N: usize> Weigh for [T; N] {
    fn heap_size(&self) -> usize {
        self.as_slice().heap_size()
    }
}

impl<T: Weigh> Weigh for Vec<T> {
    fn heap_size(&self) -> usize {
        self.capacity() * mem::size_of::<T>() + self.as_slice().heap_size()
    }
}

impl<T: Weigh + ?Sized> Weigh for Box<T> {
    fn heap_size(&self) -> usize {
        (**self).weight()
    }
}

impl<T: Weigh + ?Sized> Weigh for Arc<T> {
    fn heap_size(&self) -> usize {
        ARC_HEADER + (**self).weight()
    }
}

impl<T: Weigh + ?Sized> Weigh for &T {
    fn heap_size(&self) -> usize {
        0
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, T::heap_size)
    }
}

impl<T: Weigh, E: Weigh> Weigh for Result<T, E> {
    fn heap_size(&self) -> usize {
        match self {
            Ok(value) => value.heap_size(),
            Err(error) => error.heap_size(),
        }
    }
}

impl<A: Weigh, B: Weigh> Weigh for (A, B) {
    fn heap_size(&self) -> usize {
        self.0.heap_size() + self.1.heap_size()
    }
}

impl<A: Weigh, B: Weigh, C: Weigh> Weigh for (A, B, C) {
    fn heap_size(&self) -> usize {
        self.0.heap_size() + self.1.heap_size() + self.2.heap_size()
    }
}

impl<A: Weigh, B: Weigh, C: Weigh, D: Weigh> Weigh for (A, B, C, D) {
    fn heap_size(&self) -> usize {
        self.0.heap_size() + self.1.heap_size() + self.2.heap_size() + self.3.heap_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_weigh_what_they_own() {
        assert_eq!("four".weight(), 4);
        assert_eq!(7_u64.weight(), 8);
        assert_eq!(Box::<str>::from("four").heap_size(), 4);
        assert_eq!(String::with_capacity(100).weight(), 24 + 100);
        assert_eq!(Vec::<u16>::with_capacity(10).heap_size(), 20);
        assert_eq!(vec!["ab".to_owned(), "c".to_owned()].heap_size(), 2 * 24 + 3);
        assert_eq!(Arc::<str>::from("four").heap_size(), 16 + 4);
        assert_eq!(Arc::new("four".to_owned()).heap_size(), 16 + 24 + 4);
        assert_eq!(Bytes::new().heap_size(), 0);
        assert_eq!(Bytes::from(vec![1; 100]).heap_size(), 24 + 100);
        assert_eq!(Some("four".to_owned()).heap_size(), 4);
        assert_eq!(None::<String>.heap_size(), 0);
        assert_eq!(Ok::<_, u8>("four".to_owned()).heap_size(), 4);
        assert_eq!(Err::<u8, _>("four".to_owned()).heap_size(), 4);
        let pair = ("four".to_owned(), (1, Box::<str>::from("two"), [2; 3], ()));
        assert_eq!(pair.heap_size(), 4 + 3);
        assert_eq!([Some("a".to_owned()), None].heap_size(), 1);
    }
}
