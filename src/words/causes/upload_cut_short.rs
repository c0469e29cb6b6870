//! `upload_cut_short`: the backend answered and reset the connection during an upload.

use super::cause_words::CauseWords;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::grouped;
use crate::words::settings;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["upload cut short", "uploads cut short"],
    page: include_str!("upload_cut_short.md"),
    expected_status: &[502, 503],
    helped: Some("each upload arrives whole"),
};

pub(super) fn summary(subject: &Subject<'_>, sent: u64) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let status = failure.response().and_then(|response| response.status);
    let answer = status.map_or_else(String::new, |status| format!(" with {status}"));
    format!(
        "the backend {backend} answered {request}{answer} and reset the connection{} before it had read \
         the whole request ({} bytes were sent): the RST can destroy the response before the proxy reads it",
        subject.after_wait(),
        grouped(sent)
    )
}

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    let server = settings::server_of(&subject.failure.context);
    let fix = Fix {
        product: server.as_ref().map(|(known, _)| known.name),
        ..Fix::on(FixSide::Server, TEXT)
    };
    // How each of them lingers.
    let (setting, value, place, line) = match server.map(|(known, _)| known.id) {
        Some("nginx-backend") => (
            "lingering_close",
            "always",
            "nginx.conf, in the http, server or location block",
            "lingering_close always;",
        ),
        Some("tomcat") => (
            "maxSwallowSize",
            "-1",
            "server.xml, on the Connector",
            r#"<Connector ... maxSwallowSize="-1"/>"#,
        ),
        _ => return fix,
    };
    Fix {
        setting: Some(setting.to_owned()),
        value: Some(value.to_owned()),
        place: Some(place.to_owned()),
        line: Some(line.to_owned()),
        ..fix
    }
    .why("a server that reads the request to its end sends no RST")
}

const TEXT: &str = "make the backend read the request to its end before it closes (a lingering close), or \
                    raise the limit that made it refuse the upload; or make the proxy check the size \
                    itself, or send `Expect: 100-continue`";
