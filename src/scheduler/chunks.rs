//! How many entries the chunks of a long queue have.

/// Finds the chunk of an entry by its number, and removes the entry, without a branch that depends
/// on the chunk.
///
/// A chunk is full at first. Its entries are at its end, and removing one moves those before it in
/// the chunk, which has room for that at its beginning. Places of entries that are still to come
/// therefore stay as they are, and these entries are counted as if they were there already.
///
/// Eight chunks are a page. The word of a page has a byte for each chunk: the number of entries in
/// that chunk and those before it in the page. All bytes are compared at once, as in S. Vigna 2008,
/// "Broadword Implementation of Rank/Select Queries". (There the sums are computed for each query.
/// Keeping them costs nothing here: removing an entry subtracts from the bytes that were greater.)
/// The page is found in a binary tree that stores how many entries are to the left of each node: D.
/// E. Knuth 1998, "The Art of Computer Programming" 3, 6.2.3.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    /// The first word is unused. The children of a node have twice its number, and one more. The
    /// last half are the pages.
    nodes: Vec<u64>,
}

/// The most entries of a chunk.
pub(super) const CHUNK: usize = 16;
/// How many places a chunk has.
pub(super) const STRIDE: usize = 2 * CHUNK;
/// The most entries of a page.
pub(super) const PAGE: usize = 8 * CHUNK;
/// How many places a page has.
pub(super) const PAGE_STRIDE: usize = 8 * STRIDE;

/// The word of a full page.
const FULL: u64 = 0x8070_6050_4030_2010;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = ONES << 7;

impl Chunks {
    /// Starts over with full pages: this many, or a few more.
    pub(super) fn fill(&mut self, pages: usize) {
        let pages = pages.next_power_of_two();
        let left = |node: usize| (pages * PAGE / 2) >> node.max(1).ilog2();
        self.nodes.clear();
        self.nodes.extend((0..pages).map(|node| left(node) as u64));
        self.nodes.resize(2 * pages, FULL);
    }

    /// The place of the nth entry.
    pub(super) fn find(&self, nth: usize) -> usize {
        let (mut node, mut nth, pages) = (1, nth as u64, self.nodes.len() / 2);
        while node < pages {
            let left = self.nodes[node];
            let is_right = nth >= left;
            nth -= if is_right { left } else { 0 };
            node = 2 * node + usize::from(is_right);
        }
        let (within, _) = find_in(self.nodes[node], nth);
        (node - pages) * PAGE_STRIDE + within
    }

    /// Removes the nth entry, and returns its place.
    #[inline(always)]
    pub(super) fn take(&mut self, nth: usize) -> usize {
        let (mut node, mut nth, pages) = (1, nth as u64, self.nodes.len() / 2);
        while node < pages {
            let left = self.nodes[node];
            let is_right = nth >= left;
            self.nodes[node] -= u64::from(!is_right);
            nth -= if is_right { left } else { 0 };
            node = 2 * node + usize::from(is_right);
        }
        let (within, greater) = find_in(self.nodes[node], nth);
        self.nodes[node] -= greater;
        (node - pages) * PAGE_STRIDE + within
    }

    /// How many entries a chunk has.
    pub(super) fn count(&self, chunk: usize) -> usize {
        let sums = self.nodes[self.nodes.len() / 2 + chunk / 8];
        byte(sums, chunk % 8) - byte(sums << 8, chunk % 8)
    }

    /// The number of the entry at a place.
    pub(super) fn nth(&self, place: usize) -> usize {
        let mut node = self.nodes.len() / 2 + place / PAGE_STRIDE;
        let sum = byte(self.nodes[node], place / STRIDE % 8);
        let mut nth = sum - (STRIDE - place % STRIDE);
        while node > 1 {
            nth += if node.is_multiple_of(2) { 0 } else { self.nodes[node / 2] as usize };
            node /= 2;
        }
        nth
    }
}

fn byte(word: u64, at: usize) -> usize {
    (word >> (8 * at) & 0xff) as usize
}

/// The place of the nth entry in its page, and a one in each byte of the word that is greater than
/// n.
#[inline(always)]
fn find_in(sums: u64, nth: u64) -> (usize, u64) {
    // No byte is greater than 128, so the high bit of each says whether it is greater. The first
    // such byte is that of the chunk.
    let greater = (sums + (127 - nth) * ONES) & HIGH_BITS;
    let shift = greater.trailing_zeros() & 0x38;
    let end = shift as usize * STRIDE / 8 + STRIDE;
    (end + nth as usize - (sums >> shift & 0xff) as usize, greater >> 7)
}
