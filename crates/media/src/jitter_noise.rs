//! The background heard while a far end is silent. Knows no packets.

/// Comfort noise where the far end does not say how loud its own is.
pub(crate) const QUIET_DBOV: f32 = -70.0;

/// White noise at a level.
pub(crate) struct Noise {
    state: u32,
    amplitude: f32,
}

impl Noise {
    pub(crate) fn new() -> Self {
        let mut noise = Self { state: 0x9e37_79b9, amplitude: 0.0 };
        noise.set_level(QUIET_DBOV);
        noise
    }

    /// Louder than -30 dBov is not background, whatever the far end says.
    pub(crate) fn set_level(&mut self, dbov: f32) {
        self.amplitude = 32_768.0 * 3_f32.sqrt() * 10_f32.powf(dbov.min(-30.0) / 20.0);
    }

    pub(crate) fn append(&mut self, samples: usize, out: &mut Vec<i16>) {
        out.extend((0..samples).map(|_| {
            // Marsaglia's xorshift: enough for noise.
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            (self.amplitude * (self.state as i32 as f32 / 2_147_483_648.0)) as i16
        }));
    }
}
