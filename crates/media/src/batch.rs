//! Many datagrams for one system call: recvmmsg and sendmmsg. Knows addresses and bytes only.

use std::io::{Error, ErrorKind, Result};
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::null_mut;

/// Datagrams that one call takes or gives.
pub const BATCH: usize = 32;
/// Larger than any datagram that WebRTC audio makes; what is longer is cut, and then fails its checks.
pub const DATAGRAM: usize = 2_048;

/// Room for one batch, used over and over.
pub struct Inbox {
    data: Box<[[u8; DATAGRAM]; BATCH]>,
    names: [libc::sockaddr_storage; BATCH],
    lengths: [usize; BATCH],
}

impl Inbox {
    pub fn new() -> Self {
        // SAFETY: sockaddr_storage is plain bytes; all zero is the family AF_UNSPEC.
        let names = unsafe { zeroed() };
        Self { data: Box::new([[0; DATAGRAM]; BATCH]), names, lengths: [0; BATCH] }
    }

    /// Take what waits, at most a batch, without blocking. WouldBlock where nothing does.
    pub fn receive(&mut self, socket: &impl AsRawFd) -> Result<usize> {
        // SAFETY: an all-zero mmsghdr and iovec are valid; every field that counts is set below.
        let (mut headers, mut vectors): ([libc::mmsghdr; BATCH], [libc::iovec; BATCH]) =
            unsafe { (zeroed(), zeroed()) };
        for index in 0..BATCH {
            vectors[index] = libc::iovec { iov_base: self.data[index].as_mut_ptr().cast(), iov_len: DATAGRAM };
            let header = &mut headers[index].msg_hdr;
            header.msg_name = (&raw mut self.names[index]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut vectors[index];
            header.msg_iovlen = 1;
        }
        // SAFETY: the headers point at buffers of `self` and at `vectors`, which live until the call returns.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| Error::last_os_error())?;
        for (length, header) in self.lengths.iter_mut().zip(&headers[..count]) {
            *length = header.msg_len as usize;
        }
        Ok(count)
    }

    /// The datagram `index` of the last batch and its source; `None` where the source is no internet address.
    pub fn datagram(&self, index: usize) -> Option<(SocketAddr, &[u8])> {
        Some((address(&self.names[index])?, &self.data[index][..self.lengths[index]]))
    }
}

fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that a sockaddr_in was written here, and the storage is large and aligned enough.
            let name = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(name.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let name = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(name.sin6_port), 0, name.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// A destination as the kernel wants it, and its length.
fn name(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: as in `Inbox::new`.
    let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
    let length = match address {
        SocketAddr::V4(v4) => {
            // SAFETY: the storage is large and aligned enough for a sockaddr_in, and nobody else refers to it.
            let name = unsafe { &mut *(&raw mut storage).cast::<libc::sockaddr_in>() };
            name.sin_family = libc::AF_INET as libc::sa_family_t;
            name.sin_port = v4.port().to_be();
            name.sin_addr.s_addr = u32::from(*v4.ip()).to_be();
            size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(v6) => {
            // SAFETY: as above, for sockaddr_in6.
            let name = unsafe { &mut *(&raw mut storage).cast::<libc::sockaddr_in6>() };
            name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            name.sin6_port = v6.port().to_be();
            name.sin6_addr.s6_addr = v6.ip().octets();
            name.sin6_scope_id = v6.scope_id();
            size_of::<libc::sockaddr_in6>()
        }
    };
    (storage, length as libc::socklen_t)
}

/// Send at most a batch. What the kernel does not take is lost, as in a full queue of any router.
pub fn send<'a>(socket: RawFd, datagrams: impl Iterator<Item = (SocketAddr, &'a [u8])>) {
    // SAFETY: all-zero values of these three are valid; every field that counts is set below.
    let (mut headers, mut vectors, mut names): (
        [libc::mmsghdr; BATCH],
        [libc::iovec; BATCH],
        [libc::sockaddr_storage; BATCH],
    ) = unsafe { (zeroed(), zeroed(), zeroed()) };
    let mut count = 0;
    for (destination, data) in datagrams.take(BATCH) {
        let (storage, length) = name(destination);
        names[count] = storage;
        vectors[count] = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
        let header = &mut headers[count].msg_hdr;
        header.msg_name = (&raw mut names[count]).cast();
        header.msg_namelen = length;
        header.msg_iov = &raw mut vectors[count];
        header.msg_iovlen = 1;
        count += 1;
    }
    flush(socket, &mut headers[..count]);
}

fn flush(socket: RawFd, mut headers: &mut [libc::mmsghdr]) {
    while !headers.is_empty() {
        // SAFETY: the headers point at names, vectors and data that outlive the call; sendmmsg only reads the data.
        let sent =
            unsafe { libc::sendmmsg(socket, headers.as_mut_ptr(), headers.len() as libc::c_uint, libc::MSG_DONTWAIT) };
        let skipped = match usize::try_from(sent) {
            Ok(sent) => sent,
            Err(_) if Error::last_os_error().kind() == ErrorKind::WouldBlock => return,
            // An error is that of the first datagram (no route, say): the others may still go.
            Err(_) => 1,
        };
        headers = &mut headers[skipped.max(1)..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn exchange(bind: &str) {
        let (a, b) = (UdpSocket::bind(bind).unwrap(), UdpSocket::bind(bind).unwrap());
        let to = b.local_addr().unwrap();
        let sent: Vec<Vec<u8>> = (0..BATCH as u8).map(|n| vec![n; usize::from(n) * 10]).collect();
        send(a.as_raw_fd(), sent.iter().map(|data| (to, data.as_slice())));
        let mut inbox = Inbox::new();
        assert_eq!(inbox.receive(&b).unwrap(), BATCH);
        for (index, data) in sent.iter().enumerate() {
            assert_eq!(inbox.datagram(index), Some((a.local_addr().unwrap(), data.as_slice())));
        }
        assert_eq!(inbox.receive(&b).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_batch_arrives_whole_and_in_order() {
        exchange("127.0.0.1:0");
    }

    #[test]
    fn a_destination_without_a_route_does_not_hold_up_the_rest() {
        let (a, b) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let nowhere: SocketAddr = "[::1]:9".parse().unwrap();
        send(a.as_raw_fd(), [(nowhere, &b"x"[..]), (b.local_addr().unwrap(), b"y")].into_iter());
        let mut inbox = Inbox::new();
        assert_eq!(inbox.receive(&b).unwrap(), 1);
        assert_eq!(inbox.datagram(0).unwrap().1, b"y");
    }
}
