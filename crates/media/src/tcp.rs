//! One ICE-TCP connection (RFC 6544): datagrams as frames of RFC 4571 on a stream. Knows no ports.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;

use crate::batch::DATAGRAM;

/// Chunks taken from one connection in one turn.
const TURN: usize = 16;
/// A peer that reads so slowly is cut off: audio that is seconds late helps nobody.
const MAX_BACKLOG: usize = 64 * 1_024;

/// What has become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fate {
    Open,
    /// Open, and more waits to be read when others have had their turn.
    Unread,
    Over,
}

/// See the module.
pub struct Connection {
    pub stream: TcpStream,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub opened: Instant,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

impl Connection {
    pub fn new(stream: TcpStream, local: SocketAddr, remote: SocketAddr, opened: Instant) -> Self {
        Self { stream, local, remote, opened, inbox: Vec::new(), outbox: Vec::new() }
    }

    /// Read as much as one turn allows and hand over each frame.
    pub fn read(&mut self, mut take: impl FnMut(&[u8])) -> Fate {
        let mut chunk = [0; DATAGRAM];
        for _ in 0..TURN {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Fate::Over,
                Ok(length) => self.inbox.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Fate::Open,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Fate::Over,
            }
            if split_frames(&mut self.inbox, &mut take) == Fate::Over {
                return Fate::Over;
            }
        }
        Fate::Unread
    }

    /// Send a datagram, now or as soon as the stream takes it.
    pub fn send(&mut self, data: &[u8]) -> Fate {
        self.outbox.extend_from_slice(&(data.len() as u16).to_be_bytes());
        self.outbox.extend_from_slice(data);
        self.flush()
    }

    /// Write what can be written.
    pub fn flush(&mut self) -> Fate {
        let mut done = 0;
        while done < self.outbox.len() {
            match self.stream.write(&self.outbox[done..]) {
                Ok(written) => done += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Fate::Over,
            }
        }
        self.outbox.drain(..done);
        if self.outbox.len() > MAX_BACKLOG { Fate::Over } else { Fate::Open }
    }
}

/// Hand over the complete frames and keep the rest. A frame longer than any datagram ends the connection.
fn split_frames(inbox: &mut Vec<u8>, take: &mut impl FnMut(&[u8])) -> Fate {
    let mut at = 0;
    while let Some([high, low]) = inbox.get(at..at + 2) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > DATAGRAM {
            return Fate::Over;
        }
        let Some(frame) = inbox.get(at + 2..at + 2 + length) else { break };
        take(frame);
        at += 2 + length;
    }
    inbox.drain(..at);
    Fate::Open
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_out_whole_however_the_stream_is_cut(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..10), cut in 1_usize..50,
        ) {
            let stream: Vec<u8> =
                frames.iter().flat_map(|frame| [&(frame.len() as u16).to_be_bytes()[..], frame].concat()).collect();
            let (mut inbox, mut taken) = (Vec::new(), Vec::new());
            for piece in stream.chunks(cut) {
                inbox.extend_from_slice(piece);
                prop_assert_eq!(split_frames(&mut inbox, &mut |frame| taken.push(frame.to_vec())), Fate::Open);
            }
            prop_assert_eq!(taken, frames);
            prop_assert!(inbox.is_empty());
        }
    }

    #[test]
    fn a_frame_longer_than_a_datagram_ends_the_connection() {
        let mut inbox = vec![0xff, 0xff, 0];
        assert_eq!(split_frames(&mut inbox, &mut |_| panic!("no frame")), Fate::Over);
    }
}
