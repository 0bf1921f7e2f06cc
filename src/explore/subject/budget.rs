/// Runs and steps that may be spent.
pub(crate) struct Budget {
    pub(crate) runs: usize,
    pub(crate) steps: usize,
}

impl Budget {
    pub(crate) fn is_spent(&self) -> bool {
        self.runs == 0 || self.steps == 0
    }

    /// Spends a run that costs as much as this many steps.
    pub(crate) fn spend(&mut self, steps: usize) {
        self.runs = self.runs.saturating_sub(1);
        self.steps = self.steps.saturating_sub(steps);
    }
}
