//! Streaming mono sample-rate conversion.

pub struct Resampler {}

impl Resampler {
    /// Rates in Hz, 1,000 to 192,000; `None` beyond.
    pub fn new(_from: u32, _to: u32) -> Option<Self> {
        todo!()
    }

    /// Append what `input` yields. 20 ms in give exactly 20 ms out where both are whole numbers of samples.
    pub fn push(&mut self, _input: &[i16], _out: &mut Vec<i16>) {
        todo!()
    }
}
