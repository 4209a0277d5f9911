//! The hand that writes recordings to the disk, so that the media thread never waits for it. Knows files, no audio.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

/// Chunks that wait for a slow disk; a recording that finds no room keeps its audio and tries again.
const MAX_WAITING: usize = 1_024;

/// Why a file took no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub reason: &'static str,
    pub detail: String,
}

impl Fault {
    fn of(error: &io::Error) -> Self {
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        Self { reason: if is_full { "no_space" } else { "failed" }, detail: error.to_string() }
    }
}

/// A file that is appended to. Whoever shares it sees how far it has come.
pub struct Page {
    path: PathBuf,
    file: Mutex<Option<File>>,
    waiting: AtomicUsize,
    fault: OnceLock<Fault>,
}

impl Page {
    /// Append; the first piece makes the file. What comes after a fault is lost.
    fn append(&self, bytes: &[u8]) {
        if self.fault.get().is_some() {
            return;
        }
        if let Err(error) = self.try_append(bytes) {
            let _ = self.fault.set(Fault::of(&error));
        }
    }

    fn try_append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = Some(OpenOptions::new().append(true).create_new(true).open(&self.path)?);
        }
        file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    /// Why the file takes no more, if so.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.get()
    }

    /// Whether all that was handed over is written, or never will be.
    pub fn is_settled(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }
}

struct Piece {
    page: Arc<Page>,
    bytes: Vec<u8>,
}

/// Who writes: a thread, which begins with the first recording, or, for a core without threads, the caller.
pub struct Scribe {
    mode: Mode,
}

enum Mode {
    AtOnce,
    Idle,
    Running { pieces: SyncSender<Piece>, thread: JoinHandle<()> },
}

impl Scribe {
    /// One that writes before `write` returns.
    pub fn at_once() -> Self {
        Self { mode: Mode::AtOnce }
    }

    /// One that lets a thread write.
    pub fn threaded() -> Self {
        Self { mode: Mode::Idle }
    }

    /// A new file. It is made with its first piece: nothing here waits for the disk.
    pub fn open(&mut self, path: &str) -> Arc<Page> {
        let page =
            Page { path: path.into(), file: Mutex::new(None), waiting: AtomicUsize::new(0), fault: OnceLock::new() };
        if matches!(self.mode, Mode::Idle)
            && let Err(error) = self.begin()
        {
            let _ = page.fault.set(Fault::of(&error));
        }
        Arc::new(page)
    }

    /// Append to a file. What the scribe has no room for is given back.
    pub fn write(&self, page: &Arc<Page>, bytes: Vec<u8>) -> Result<(), Vec<u8>> {
        let Mode::Running { pieces, .. } = &self.mode else {
            page.append(&bytes);
            return Ok(());
        };
        page.waiting.fetch_add(1, Ordering::AcqRel);
        pieces.try_send(Piece { page: page.clone(), bytes }).map_err(|refused| {
            page.waiting.fetch_sub(1, Ordering::AcqRel);
            let (TrySendError::Full(piece) | TrySendError::Disconnected(piece)) = refused;
            piece.bytes
        })
    }

    fn begin(&mut self) -> io::Result<()> {
        let (pieces, written) = sync_channel(MAX_WAITING);
        let thread = std::thread::Builder::new().name("offhook-scribe".into()).spawn(move || run(&written))?;
        self.mode = Mode::Running { pieces, thread };
        Ok(())
    }
}

impl Drop for Scribe {
    /// Returns when everything is written.
    fn drop(&mut self) {
        if let Mode::Running { pieces, thread } = std::mem::replace(&mut self.mode, Mode::Idle) {
            drop(pieces);
            let _ = thread.join();
        }
    }
}

fn run(pieces: &Receiver<Piece>) {
    while let Ok(Piece { page, bytes }) = pieces.recv() {
        page.append(&bytes);
        page.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_writes_in_order_and_is_waited_for() {
        let path = std::env::temp_dir().join(format!("offhook-scribe-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut scribe = Scribe::threaded();
        let page = scribe.open(path.to_str().unwrap());
        for number in 0..100_u8 {
            scribe.write(&page, vec![number; 3]).unwrap();
        }
        drop(scribe);
        assert!(page.is_settled() && page.fault().is_none());
        let expected: Vec<u8> = (0..100_u8).flat_map(|number| [number; 3]).collect();
        assert_eq!(std::fs::read(&path).unwrap(), expected);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_full_disk_is_told_and_nothing_else_happens() {
        let mut scribe = Scribe::at_once();
        let page = scribe.open("/dev/full");
        // It is there already, so it cannot be made: any other fault.
        scribe.write(&page, vec![1]).unwrap();
        assert_eq!(page.fault().unwrap().reason, "failed");
        assert_eq!(Fault::of(&io::Error::from_raw_os_error(28)).reason, "no_space");
    }
}
