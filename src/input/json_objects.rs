//! JSON that is not one object a line: an array, a list with a name (`{"events": [`), or objects that are
//! spread over lines, as downloads of cloud consoles and `jq` have them.

/// Names of lists that hold the lines of a log: CloudWatch's `events`, Azure's `records`, `hits` of searches, …
const LISTS: [&[u8]; 4] = [b"events", b"records", b"Records", b"hits"];

/// Finds the objects of such a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonObjects {
    /// Objects begin so deep.
    base: u32,
    depth: u32,
    /// Within a string, …
    quoted: bool,
    /// … behind a backslash.
    escaped: bool,
    /// There was other text than objects and what stands between them.
    pub(super) strays: bool,
}

/// What became of a piece of such a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ObjectPiece {
    /// So many bytes of it are done with.
    pub(super) used: usize,
    /// Of these, those of the object begin here.
    pub(super) from: usize,
    /// The object ends with them.
    pub(super) whole: bool,
}

impl JsonObjects {
    /// Of a text that begins so; `None` where it has one object a line, or no JSON.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let begun = |base| Self { base, depth: 0, quoted: false, escaped: false, strays: false };
        if let Some(rest) = head.strip_prefix(b"[") {
            return rest.trim_ascii_start().starts_with(b"{").then(|| begun(1));
        }
        let rest = head.strip_prefix(b"{")?;
        let inside = rest.trim_ascii_start();
        let named = inside.strip_prefix(b"\"").and_then(|rest| {
            let end = rest.iter().position(|byte| *byte == b'"')?;
            let after = rest.get(end.saturating_add(1)..)?.trim_ascii_start();
            let list = after.strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"[")?;
            (LISTS.contains(&rest.get(..end)?) && list.trim_ascii_start().starts_with(b"{"))
                .then_some(())
        });
        if named.is_some() {
            return Some(begun(2));
        }
        let spread = matches!(rest, [b'\n', ..] | [b'\r', b'\n', ..]) && inside.starts_with(b"\"");
        spread.then(|| begun(0))
    }

    /// Takes the next piece, up to the end of an object.
    pub(super) fn take(&mut self, piece: &[u8]) -> ObjectPiece {
        let inside = self.depth > self.base;
        let mut from = if inside { 0 } else { piece.len() };
        for (at, byte) in piece.iter().enumerate() {
            if self.quoted {
                self.quoted = *byte != b'"' || self.escaped;
                self.escaped = *byte == b'\\' && !self.escaped;
                continue;
            }
            match byte {
                b'"' => (self.quoted, self.escaped) = (true, false),
                b'{' | b'[' => {
                    if self.depth == self.base && *byte == b'{' {
                        from = at;
                    }
                    self.depth = self.depth.saturating_add(1);
                }
                b'}' | b']' => {
                    let within = self.depth > self.base;
                    self.depth = self.depth.saturating_sub(1);
                    if within && self.depth == self.base && *byte == b'}' {
                        return ObjectPiece { used: at.saturating_add(1), from, whole: true };
                    }
                }
                b',' | b' ' | b'\n' | b'\r' | b'\t' => {}
                // Around a list there are keys and other values.
                _ => self.strays |= self.depth <= self.base && self.base < 2,
            }
        }
        ObjectPiece { used: piece.len(), from: from.min(piece.len()), whole: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str, step: usize) -> Vec<String> {
        let mut finder = JsonObjects::of(text.as_bytes()).unwrap();
        let (mut found, mut object) = (Vec::new(), Vec::new());
        for chunk in text.as_bytes().chunks(step) {
            let mut rest = chunk;
            while !rest.is_empty() {
                let piece = finder.take(rest);
                object.extend_from_slice(&rest[piece.from..piece.used]);
                if piece.whole {
                    found.push(String::from_utf8(std::mem::take(&mut object)).unwrap());
                }
                rest = &rest[piece.used..];
            }
        }
        found
    }

    #[test]
    fn arrays_lists_and_spread_objects_are_found_however_they_are_cut() {
        for step in [1, 2, 3, 7, 1000] {
            let array = r#"[ {"a":"}]\"{", "b":[{"c":1}]}, {"a":2}] [{"a":3}]"#;
            let wanted = [r#"{"a":"}]\"{", "b":[{"c":1}]}"#, r#"{"a":2}"#, r#"{"a":3}"#];
            assert_eq!(objects(array, step), wanted);
            let list = r#"{ "events" : [ {"a":1},{"a":2} ], "nextToken": "x" }"#;
            assert_eq!(objects(list, step), [r#"{"a":1}"#, r#"{"a":2}"#]);
            let spread = "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n";
            assert_eq!(objects(spread, step).len(), 2);
        }
    }

    #[test]
    fn one_object_a_line_and_other_text_are_left_to_lines() {
        for text in
            ["{\"a\":1}\n", "[20/Nov/2026] x", "", "{\"spans\":[{}],\"status\":502}", "[pod/a/b] {"]
        {
            assert!(JsonObjects::of(text.as_bytes()).is_none(), "{text}");
        }
    }
}
