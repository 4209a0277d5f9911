//! How late packets come compared with the fastest of late, and how long to wait for them. Knows no packets' contents.

/// Packets looked back on: 5 s at 20 ms.
const MEMORY: usize = 256;
/// Packets later than this share of them may come too late.
const QUANTILE: usize = 97;
/// Packets later than this do not count: nobody would wait for them.
const WORTH_WAITING: i64 = 200 * 48;
/// Between two looks at the whole memory.
const REVIEW_EVERY: usize = 16;

/// All in ticks of 48 kHz.
pub(crate) struct DelayEstimator {
    /// Arrival minus media time of each packet, a ring.
    offsets: Vec<i64>,
    next: usize,
    sorted: Vec<i64>,
    base: i64,
    spread: i64,
    unreviewed: usize,
}

impl DelayEstimator {
    pub(crate) fn new() -> Self {
        let (offsets, sorted) = (Vec::with_capacity(MEMORY), Vec::with_capacity(MEMORY));
        Self { offsets, next: 0, sorted, base: 0, spread: 0, unreviewed: 0 }
    }

    pub(crate) fn observe(&mut self, arrival: i64, media: u64) {
        let offset = arrival - media as i64;
        if self.offsets.len() < MEMORY {
            self.offsets.push(offset);
        } else {
            self.offsets[self.next] = offset;
            self.next = (self.next + 1) % MEMORY;
        }
        self.unreviewed += 1;
        if self.offsets.len() < REVIEW_EVERY || self.unreviewed >= REVIEW_EVERY || offset < self.base {
            self.review();
        }
    }

    /// Arrival minus media time of the fastest packet; `None` before the first.
    pub(crate) fn base(&self) -> Option<i64> {
        (!self.offsets.is_empty()).then_some(self.base)
    }

    /// How much later than the fastest nearly all packets come.
    pub(crate) fn spread(&self) -> i64 {
        self.spread
    }

    fn review(&mut self) {
        self.unreviewed = 0;
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.offsets);
        self.base = self.sorted.iter().copied().min().unwrap_or(0);
        self.sorted.retain(|offset| offset - self.base <= WORTH_WAITING);
        let rank = (self.sorted.len() - 1) * QUANTILE / 100;
        let (_, late, _) = self.sorted.select_nth_unstable(rank);
        self.spread = *late - self.base;
    }
}
