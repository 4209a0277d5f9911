//! The sum of several speakers, and what each of them hears: the sum without itself.

#[derive(Default)]
pub struct Mixer {}

impl Mixer {
    pub fn clear(&mut self) {
        todo!()
    }

    /// Add a speaker's frame; all frames of a mix have one length.
    pub fn add(&mut self, _frame: &[i16]) {
        todo!()
    }

    /// Replace `out` by the mix, without `own` where that was added.
    pub fn mix(&self, _own: Option<&[i16]>, _out: &mut Vec<i16>) {
        todo!()
    }
}

/// Add `over` to `frame` with the limiter of the mixer.
pub fn overlay(_frame: &mut [i16], _over: &[i16]) {
    todo!()
}
