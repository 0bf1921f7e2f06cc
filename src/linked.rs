//! Linked lists in one allocation.

/// `N` linked lists that share their nodes, each in the order in which its items were added.
///
/// Adding an item, finding it by its key and removing it take constant time. So does moving it to
/// another list, unless items are moved back in random order: see [`move_to`](Linked::move_to).
#[derive(Debug)]
pub(crate) struct Linked<T, const N: usize = 1> {
    nodes: Vec<Node<T>>,
    /// The first free node; free nodes are linked by `next`.
    free: u32,
    lists: [List; N],
    len: usize,
    /// The serial number of the item that was added last.
    last_serial: u64,
    /// The node that was last put into the middle of a list. The next one often belongs behind it.
    hint: u32,
}

#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

#[derive(Debug)]
struct Node<T> {
    item: Option<T>,
    /// Distinguishes the items that have used this node. Zero if the node is free.
    serial: u64,
    list: usize,
    previous: u32,
    next: u32,
}

/// Finds an item of a [`Linked`], as long as it is there. Keys compare by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkedKey {
    serial: u64,
    node: u32,
}

const NONE: u32 = u32::MAX;

impl List {
    const EMPTY: Self = Self { first: NONE, last: NONE };
}

impl<T, const N: usize> Default for Linked<T, N> {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            free: NONE,
            lists: [List::EMPTY; N],
            len: 0,
            last_serial: 0,
            hint: NONE,
        }
    }
}

impl<T, const N: usize> Linked<T, N> {
    /// How many items are in all lists.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an item to the end of a list.
    pub(crate) fn push(&mut self, list: usize, item: T) -> LinkedKey {
        self.push_numbered(list, self.last_serial + 1, item)
    }

    /// Adds an item to the end of a list, with a serial number of the caller's choice. It must be larger than the
    /// numbers of all items that are there.
    pub(crate) fn push_numbered(&mut self, list: usize, serial: u64, item: T) -> LinkedKey {
        self.last_serial = serial;
        self.len += 1;
        let filled = Node { item: Some(item), serial, list, previous: NONE, next: NONE };
        let node = self.free;
        let node = match self.nodes.get_mut(node as usize) {
            Some(place) => {
                self.free = place.next;
                *place = filled;
                node
            }
            None => {
                self.nodes.push(filled);
                u32::try_from(self.nodes.len() - 1).expect("fewer than 2^32 items at once")
            }
        };
        self.link_after(self.lists[list].last, node);
        LinkedKey { serial, node }
    }

    fn node(&self, key: LinkedKey) -> Option<&Node<T>> {
        self.nodes.get(key.node as usize).filter(|node| node.serial == key.serial)
    }

    pub(crate) fn get(&self, key: LinkedKey) -> Option<&T> {
        self.node(key)?.item.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: LinkedKey) -> Option<&mut T> {
        let node = self.nodes.get_mut(key.node as usize);
        node.filter(|node| node.serial == key.serial)?.item.as_mut()
    }

    /// The list that an item is in.
    pub(crate) fn list_of(&self, key: LinkedKey) -> Option<usize> {
        self.node(key).map(|node| node.list)
    }

    pub(crate) fn remove(&mut self, key: LinkedKey) -> Option<T> {
        self.node(key)?;
        self.unlink(key.node);
        self.len -= 1;
        let node = &mut self.nodes[key.node as usize];
        (node.serial, node.next) = (0, self.free);
        self.free = key.node;
        node.item.take()
    }

    /// Moves an item to the place in another list that its age gives it.
    /// This takes constant time for the oldest and the youngest item of that list, and for an item that
    /// belongs behind the item moved before it.
    pub(crate) fn move_to(&mut self, key: LinkedKey, list: usize) {
        if self.list_of(key).is_none_or(|now| now == list) {
            return;
        }
        self.unlink(key.node);
        self.nodes[key.node as usize].list = list;
        let is_older = |node: u32| self.nodes[node as usize].serial < key.serial;
        let List { first, last } = self.lists[list];
        let before = if last == NONE || is_older(last) {
            last
        } else if !is_older(first) {
            NONE
        } else {
            let hint = self.nodes.get(self.hint as usize);
            let is_near = hint.is_some_and(|hint| {
                hint.serial != 0 && hint.list == list && hint.serial < key.serial
            });
            let mut before = if is_near { self.hint } else { first };
            // The last one is younger.
            while is_older(self.nodes[before as usize].next) {
                before = self.nodes[before as usize].next;
            }
            before
        };
        self.hint = key.node;
        self.link_after(before, key.node);
    }

    /// The items of a list, the oldest first.
    pub(crate) fn iter(&self, list: usize) -> impl Iterator<Item = &T> {
        let keys = std::iter::successors(self.first(list), |&key| self.next(key));
        keys.filter_map(|key| self.get(key))
    }

    /// The oldest item of a list.
    pub(crate) fn first(&self, list: usize) -> Option<LinkedKey> {
        self.key(self.lists[list].first)
    }

    /// The youngest item of a list.
    pub(crate) fn last(&self, list: usize) -> Option<LinkedKey> {
        self.key(self.lists[list].last)
    }

    /// The next younger item of the same list.
    pub(crate) fn next(&self, key: LinkedKey) -> Option<LinkedKey> {
        self.key(self.node(key)?.next)
    }

    /// The next older item of the same list.
    pub(crate) fn previous(&self, key: LinkedKey) -> Option<LinkedKey> {
        self.key(self.node(key)?.previous)
    }

    /// The oldest item of all lists.
    pub(crate) fn oldest(&self) -> Option<LinkedKey> {
        (0..N).filter_map(|list| self.first(list)).min()
    }

    fn key(&self, node: u32) -> Option<LinkedKey> {
        let serial = self.nodes.get(node as usize)?.serial;
        Some(LinkedKey { serial, node })
    }

    /// Links a node into its list.
    fn link_after(&mut self, before: u32, node: u32) {
        let list = self.nodes[node as usize].list;
        let after = match self.nodes.get_mut(before as usize) {
            Some(before) => std::mem::replace(&mut before.next, node),
            None => std::mem::replace(&mut self.lists[list].first, node),
        };
        match self.nodes.get_mut(after as usize) {
            Some(after) => after.previous = node,
            None => self.lists[list].last = node,
        }
        let linked = &mut self.nodes[node as usize];
        (linked.previous, linked.next) = (before, after);
    }

    fn unlink(&mut self, node: u32) {
        let &Node { list, previous, next, .. } = &self.nodes[node as usize];
        match self.nodes.get_mut(previous as usize) {
            Some(previous) => previous.next = next,
            None => self.lists[list].first = next,
        }
        match self.nodes.get_mut(next as usize) {
            Some(next) => next.previous = previous,
            None => self.lists[list].last = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Draws;

    fn items<const N: usize>(linked: &Linked<u32, N>) -> [Vec<u32>; N] {
        std::array::from_fn(|list| linked.iter(list).copied().collect())
    }

    #[test]
    fn items_are_found_by_their_keys_until_they_are_removed() {
        let mut linked = Linked::<u32>::default();
        let [one, two, three] = [1, 2, 3].map(|item| linked.push(0, item));
        assert_eq!(linked.remove(two), Some(2));
        assert_eq!((linked.remove(two), linked.get(two), linked.list_of(two)), (None, None, None));
        let four = linked.push(0, 4);
        assert_eq!(linked.get(two), None, "4 has its node");
        assert_eq!(items(&linked), [vec![1, 3, 4]]);
        assert_eq!((linked.first(0), linked.next(one)), (Some(one), Some(three)));
        assert_eq!((linked.last(0), linked.previous(one)), (Some(four), None));
        for key in [one, four, three] {
            assert!(linked.remove(key).is_some());
        }
        assert!(linked.is_empty() && linked.first(0).is_none() && linked.last(0).is_none());
    }

    /// The lists equal filtered copies of one list of everything, whatever is done to them.
    #[test]
    fn lists_keep_the_order_of_age() {
        let mut draws = Draws::new(7, 0);
        let mut linked = Linked::<u32, 3>::default();
        let mut model: Vec<(LinkedKey, u32, usize)> = Vec::new();
        for item in 0..5_000 {
            let list = draws.below(3) as usize;
            let place = draws.below(model.len().max(1) as u64) as usize;
            match draws.below(4) {
                0 if !model.is_empty() => {
                    let (key, item, _) = model.remove(place);
                    assert_eq!(linked.remove(key), Some(item));
                }
                1 if !model.is_empty() => {
                    let (key, ..) = model[place];
                    linked.move_to(key, list);
                    model[place].2 = list;
                }
                _ if model.len() < 100 => model.push((linked.push(list, item), item, list)),
                _ => {}
            }
            let expected: [Vec<u32>; 3] = std::array::from_fn(|list| {
                let within = model.iter().filter(|(.., within)| *within == list);
                within.map(|(_, item, _)| *item).collect()
            });
            assert_eq!(items(&linked), expected);
            assert_eq!(linked.oldest(), model.first().map(|(key, ..)| *key));
            assert_eq!(linked.len(), model.len());
        }
    }
}
