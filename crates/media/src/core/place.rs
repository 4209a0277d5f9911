//! Where a port is reached: its addresses, its own sockets, and the candidates that tell the far end.

use std::io::{ErrorKind, Result};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use str0m::net::Protocol;

use super::CoreError;
use crate::messages::CoreConfig;
use crate::port::Ends;

/// The addresses of a port.
#[derive(Default)]
pub struct Place {
    pub addresses: Vec<(Protocol, SocketAddr)>,
    pub own: Vec<SocketAddr>,
    pub sockets: Vec<UdpSocket>,
    /// Its two addresses, where the far end speaks no WebRTC.
    pub plain: Option<Ends>,
}

/// Pairs of ports that are tried where any will do.
const PAIR_TRIES: u32 = 64;

impl Place {
    pub fn shared(addresses: &[(Protocol, SocketAddr)]) -> Self {
        Self { addresses: addresses.to_vec(), ..Self::default() }
    }

    /// In a driven core every port is a host of its own in 10.0.0.0/8.
    pub fn virtual_of(port: u32) -> Self {
        let [_, b, c, d] = port.to_be_bytes();
        let address = SocketAddr::from(([10, b, c, d], 4_000));
        Self { addresses: vec![(Protocol::Udp, address)], own: vec![address], ..Self::default() }
    }

    /// The same for a far end without WebRTC.
    pub fn virtual_pair_of(port: u32) -> Self {
        let mut place = Self::virtual_of(port);
        let media = place.own[0];
        let reports = SocketAddr::new(media.ip(), media.port() + 1);
        place.own.push(reports);
        place.plain = Some(Ends { media, reports });
        place
    }

    /// Two ports of its own, an even one for media and the next for reports (RFC 3550 section 11), out of `range`, or any
    /// where that is empty.
    pub fn pair(ip: IpAddr, range: (u16, u16)) -> Result<Self> {
        let (media, reports) = if range.1 == 0 { any_pair(ip)? } else { pair_of(ip, range)? };
        let ends = Ends { media: media.local_addr()?, reports: reports.local_addr()? };
        Ok(Self {
            addresses: vec![(Protocol::Udp, ends.media)],
            own: vec![ends.media, ends.reports],
            sockets: vec![media, reports],
            plain: Some(ends),
        })
    }

    /// Far ends tell two of our full ports apart by their addresses, so each has sockets of its own.
    pub fn alone(bind: &[IpAddr]) -> Result<Self> {
        let mut place = Self::default();
        for ip in bind {
            let socket = UdpSocket::bind((*ip, 0))?;
            let address = socket.local_addr()?;
            place.addresses.push((Protocol::Udp, address));
            place.own.push(address);
            place.sockets.push(socket);
        }
        Ok(place)
    }

    /// Host candidates (RFC 8445 section 5.1.2.1), behind a 1:1 NAT with the public addresses in their place.
    pub fn candidates(&self, public: &[IpAddr]) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, (proto, address)) in self.addresses.iter().enumerate() {
            lines.extend(
                shown(public, address.ip()).iter().map(|ip| candidate(index as u32, *proto, *ip, address.port())),
            );
        }
        lines
    }
}

fn pair_of(ip: IpAddr, (low, high): (u16, u16)) -> Result<(UdpSocket, UdpSocket)> {
    let first = low.next_multiple_of(2);
    let pairs = u32::from(high.saturating_sub(first).saturating_add(1) / 2);
    let start = fastrand::u32(..pairs.max(1));
    let open = |number: u32| {
        let port = first + (number * 2) as u16;
        Some((UdpSocket::bind((ip, port)).ok()?, UdpSocket::bind((ip, port + 1)).ok()?))
    };
    (0..pairs).find_map(|step| open((start + step) % pairs)).ok_or_else(|| ErrorKind::AddrInUse.into())
}

fn any_pair(ip: IpAddr) -> Result<(UdpSocket, UdpSocket)> {
    for _ in 0..PAIR_TRIES {
        let one = UdpSocket::bind((ip, 0))?;
        let port = one.local_addr()?.port();
        let is_even = port.is_multiple_of(2);
        let Ok(other) = UdpSocket::bind((ip, if is_even { port + 1 } else { port - 1 })) else { continue };
        return Ok(if is_even { (one, other) } else { (other, one) });
    }
    Err(ErrorKind::AddrInUse.into())
}

/// The address that far ends are told, of one that is bound.
pub fn public_of(public: &[IpAddr], bound: IpAddr) -> IpAddr {
    shown(public, bound)[0]
}

fn shown(public: &[IpAddr], bound: IpAddr) -> Vec<IpAddr> {
    let same_family: Vec<IpAddr> = public.iter().filter(|ip| ip.is_ipv6() == bound.is_ipv6()).copied().collect();
    if same_family.is_empty() { vec![bound] } else { same_family }
}

fn candidate(index: u32, proto: Protocol, ip: IpAddr, port: u16) -> String {
    let (name, kind, preference) = match proto {
        Protocol::Tcp => ("tcp", " tcptype passive", 90_u32),
        _ => ("udp", "", 126),
    };
    let priority = (preference << 24) | ((65_535 - index) << 8) | 255;
    format!("candidate:{} 1 {name} {priority} {ip} {port} typ host{kind}", index + 1)
}

/// The addresses of a configuration: those to bind, and those to show.
pub fn addresses(config: &CoreConfig) -> std::result::Result<(Vec<IpAddr>, Vec<IpAddr>), CoreError> {
    let parse = |text: &String| text.parse().map_err(|_| CoreError::Address(text.clone()));
    let bound: Vec<IpAddr> = config.bind.iter().map(parse).collect::<std::result::Result<_, _>>()?;
    if let Some(any) = bound.iter().find(|ip| ip.is_unspecified()) {
        return Err(CoreError::Unspecified(*any));
    }
    let public = config.public_addresses.iter().map(parse).collect::<std::result::Result<_, _>>()?;
    Ok((bound, public))
}
