//! What listens on the host that refused, in words and as facts.

use crate::base::escape;
use crate::facts::listening::{Listening, ListeningProgram};
use crate::packet::Endpoint;
use serde_json::{Value, json};

/// `; on this host nothing listens on :80, java (812) listens on :8080`.
pub fn sentence(refused: Endpoint, listening: &Listening) -> String {
    let port = refused.port;
    let mut parts = Vec::new();
    if listening.elsewhere.is_empty() {
        parts.push(format!("nothing listens on :{port}"));
    }
    for program in &listening.elsewhere {
        parts.push(format!("{} listens on {} only", name(program), program.at));
    }
    for program in &listening.others {
        parts.push(format!("{} listens on :{}", name(program), program.at.port));
    }
    if listening.more > 0 {
        parts.push(format!("{} more ports are listened on", listening.more));
    }
    format!("; on this host {}", parts.join(", "))
}

fn name(program: &ListeningProgram) -> String {
    match &program.process {
        Some((number, name)) => format!("{} ({number})", escape::text(name)),
        None => "something".to_owned(),
    }
}

/// What listens, for scripts.
pub fn facts(listening: &Listening) -> Value {
    let listeners = listening.elsewhere.iter().chain(&listening.others);
    listeners
        .map(|program| {
            let (pid, command) = program
                .process
                .as_ref()
                .map_or((None, None), |(pid, name)| (Some(*pid), Some(escape::text(name))));
            json!({"at": program.at.to_string(), "pid": pid, "command": command})
        })
        .collect()
}
