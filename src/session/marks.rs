/// How often each label was met in one run, in the order in which they were first met.
#[derive(Default)]
pub(crate) struct Marks(Vec<Met>);

/// One label in one run.
#[derive(Clone, Copy)]
pub(crate) struct Met {
    pub(crate) label: &'static str,
    /// How often its condition was evaluated.
    pub(crate) evaluated: u64,
    /// How often the condition held.
    pub(crate) held: u64,
}

impl Marks {
    /// Forgets the last run, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn hit(&mut self, label: &'static str, held: bool) {
        // There are few labels, and most differ in length already.
        let known = self.0.iter().position(|met| met.label == label);
        let place = known.unwrap_or_else(|| {
            self.0.push(Met { label, evaluated: 0, held: 0 });
            self.0.len() - 1
        });
        let met = &mut self.0[place];
        met.evaluated += 1;
        met.held += u64::from(held);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Met> {
        self.0.iter()
    }
}
