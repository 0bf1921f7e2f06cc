//! A list to which something is added in every step of a run.

use std::ops::{Deref, DerefMut};

/// Values in memory that was filled beforehand: to add one is to compare once, whether there is a place for it,
/// and to write it there.
///
/// (A `Vec` compares too; but what it does if there is no place is then a part of each function that adds to it,
/// which has to make room on the stack for that.)
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffer<T> {
    places: Vec<T>,
    len: usize,
}

/// The least number of places, if there are any.
const LEAST: usize = 64;

impl<T: Copy + Default> Buffer<T> {
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Gives back the memory of more than so many places, of which none is taken.
    pub(crate) fn shrink_to(&mut self, most: usize) {
        if self.places.len() > most {
            self.places.truncate(most.max(self.len));
            self.places.shrink_to_fit();
        }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, value: T) {
        match self.places.get_mut(self.len) {
            Some(place) => {
                *place = value;
                self.len += 1;
            }
            None => self.grow_and_push(value),
        }
    }

    #[cold]
    #[inline(never)]
    fn grow_and_push(&mut self, value: T) {
        self.grow(usize::MAX);
        self.push(value);
    }

    /// Adds the value if there is a place for it.
    #[inline(always)]
    pub(crate) fn push_within(&mut self, value: T) -> bool {
        match self.places.get_mut(self.len) {
            Some(place) => {
                *place = value;
                self.len += 1;
                true
            }
            None => false,
        }
    }

    /// Makes more places, up to so many. They are filled, and so in memory: of a long list they are a fourth,
    /// instead of as many again.
    pub(crate) fn grow(&mut self, most: usize) {
        let len = self.places.len();
        let more = if len < 1 << 16 { len.max(LEAST) } else { len / 4 };
        let more = more.min(most.saturating_sub(len));
        self.places.reserve_exact(more);
        self.places.resize(len + more, T::default());
    }

    pub(crate) fn drop_first(&mut self, count: usize) {
        self.places.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.places[..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.places[..self.len]
    }
}

impl<T: Copy + Default> Extend<T> for Buffer<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_a_list() {
        let (mut buffer, mut list) = (Buffer::default(), Vec::new());
        for round in 1..4_u32 {
            for value in 0..100_000 {
                buffer.push(round * value);
                list.push(round * value);
            }
            buffer.drop_first(1000);
            list.drain(..1000);
            assert!(buffer[..] == list[..]);
            if round == 2 {
                buffer.clear();
                list.clear();
                buffer.shrink_to(10);
                assert!((0..10).all(|value| buffer.push_within(value)));
                assert!(!buffer.push_within(10), "there are so many places left");
                list.extend(0..10);
            }
        }
    }
}
