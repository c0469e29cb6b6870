//! What the kernel is asked to hand over: the rest never leaves it.

use crate::packet::EndpointPattern;

/// A filter expression that passes the connections of `listeners` (all TCP where none is named) as far
/// as `wanted` does, and what is said of them: ICMP errors, and the fragments behind the first.
///
/// VLAN tags need no words: Linux takes the outer one off before a filter sees the frame.
pub(super) fn expression(listeners: &[EndpointPattern], wanted: Option<&str>) -> String {
    let tcp = if listeners.is_empty() {
        "tcp".to_owned()
    } else {
        let each: Vec<String> = listeners.iter().map(of).collect();
        format!("tcp and ({} or {REDIRECTED})", each.join(" or "))
    };
    let whole = format!("({tcp}) or {REMARKS}");
    match wanted {
        Some(wanted) => format!("({wanted}) and ({whole})"),
        None => whole,
    }
}

/// What a sidecar takes that goes elsewhere: behind its redirection it comes from an address that is not loopback to one
/// that is, which else nothing does, and only the answers bear the name of who was asked.
const REDIRECTED: &str = "(dst net 127.0.0.0/8 and not src net 127.0.0.0/8) or \
                          (dst host ::1 and not src host ::1)";

/// ICMP and ICMPv6 errors, and fragments of TCP, which have no ports.
const REMARKS: &str = "icmp[icmptype] == icmp-unreach or (icmp6 and ip6[40] == 1) or \
                       (ip proto 6 and ip[6:2] & 0x1fff != 0)";

fn of(listener: &EndpointPattern) -> String {
    match (listener.addr, listener.port) {
        (Some(addr), Some(port)) => format!("(host {addr} and port {port})"),
        (Some(addr), None) => format!("host {addr}"),
        (None, Some(port)) => format!("port {port}"),
        (None, None) => "tcp".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pcap::{Capture, Linktype};

    fn compiles(expression: &str) -> bool {
        Capture::dead(Linktype::ETHERNET).unwrap().compile(expression, true).is_ok()
    }

    #[test]
    fn every_pattern_becomes_an_expression_that_libpcap_understands() {
        for listeners in [&[][..], &[":8080"], &["10.0.0.1"], &["10.0.0.1:80", "[fd00::1]:80"]] {
            let patterns: Vec<EndpointPattern> =
                listeners.iter().map(|listener| listener.parse().unwrap()).collect();
            for wanted in [None, Some("not port 22")] {
                let expression = expression(&patterns, wanted);
                assert!(compiles(&expression), "{expression}");
            }
        }
    }

    #[test]
    fn what_the_user_wants_narrows_all_of_it() {
        let listener = ":8080".parse().unwrap();
        let told = expression(&[listener], Some("host 10.0.0.9 or host 10.0.0.8"));
        assert!(told.starts_with("(host 10.0.0.9 or host 10.0.0.8) and ((tcp and (port 8080 or "));
    }
}
