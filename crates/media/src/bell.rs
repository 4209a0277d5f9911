//! Two kernel objects that make a poll wake up: an eventfd rung by hand, a timerfd rung by the clock.

use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null_mut;
use std::time::Duration;

/// A descriptor that is readable once it has been rung.
pub struct Bell(OwnedFd);

impl Bell {
    pub fn new() -> Result<Self> {
        // SAFETY: eventfd takes no pointer.
        owned(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) }).map(Self)
    }

    pub fn ring(&self) {
        let one: u64 = 1;
        // SAFETY: an eventfd takes exactly eight bytes; it can only fail when its counter is full, and then it rings.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), 8) };
    }

    /// Silence it.
    pub fn hush(&self) {
        count(&self.0);
    }
}

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// A descriptor that is readable once for every interval that has passed.
pub struct Metronome(OwnedFd);

impl Metronome {
    pub fn new(every: Duration) -> Result<Self> {
        // SAFETY: timerfd_create takes no pointer.
        let timer =
            owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) })?;
        let beat = libc::timespec { tv_sec: 0, tv_nsec: every.as_nanos() as libc::c_long };
        let setting = libc::itimerspec { it_interval: beat, it_value: beat };
        // SAFETY: reads `setting`, which outlives the call; the old setting is not asked for.
        let outcome = unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const setting, null_mut()) };
        if outcome == 0 { Ok(Self(timer)) } else { Err(Error::last_os_error()) }
    }

    /// Beats since the last call.
    pub fn beats(&self) -> u64 {
        count(&self.0)
    }
}

impl AsRawFd for Metronome {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn owned(descriptor: RawFd) -> Result<OwnedFd> {
    if descriptor < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// The counter that both kinds hold, which reading sets to zero.
fn count(descriptor: &OwnedFd) -> u64 {
    let mut count: u64 = 0;
    // SAFETY: reads eight bytes into a u64; a counter of zero is EAGAIN and leaves it as it is.
    unsafe { libc::read(descriptor.as_raw_fd(), (&raw mut count).cast(), 8) };
    count
}
