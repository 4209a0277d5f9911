//! Tones out and tones recognised.

#[derive(Clone, Debug, PartialEq)]
pub struct Tone {
    /// Their sum; empty is a pause.
    pub hz: Vec<f32>,
    pub ms: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tones {
    pub tones: Vec<Tone>,
    pub level: f32,
}

/// What was heard over an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sound {
    /// dBov (RFC 6465): 0 loudest, -127 silence.
    pub level: f32,
    /// The strongest frequency where it holds most of the energy, else 0.
    pub tone_hz: f32,
}

pub struct Meter {}

impl Meter {
    pub fn new(_rate: u32) -> Self {
        todo!()
    }

    pub fn rate(&self) -> u32 {
        todo!()
    }

    pub fn push(&mut self, _pcm: &[i16]) {
        todo!()
    }

    /// What was heard since the last `take`.
    pub fn take(&mut self) -> Sound {
        todo!()
    }
}

/// Level of `pcm` in dBov.
pub fn level(_pcm: &[i16]) -> f32 {
    todo!()
}
