//! What is written must not be what is read: opening a file to write it empties it.

use anyhow::{Result, bail};
use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Makes sure that none of `outputs`, each with the option that named it, is one of `inputs`, by whatever
/// name: links and `/dev/stdin` lead to files as well. Standard output counts as well.
///
/// # Errors
/// When one is.
pub fn refuse_inputs<'p>(
    outputs: impl IntoIterator<Item = (&'static str, &'p Path)>,
    inputs: impl IntoIterator<Item = &'p Path>,
) -> Result<()> {
    let inputs: Vec<(&Path, (u64, u64))> =
        inputs.into_iter().filter_map(|path| Some((path, identity(&read(path)?)?))).collect();
    let the_same = |written: Option<Metadata>| {
        let written = identity(&written?)?;
        inputs.iter().find(|(_, read)| *read == written).map(|(path, _)| *path)
    };
    for (option, path) in outputs {
        if let Some(input) = the_same(fs::metadata(path).ok()) {
            bail!(
                "{option} {}: that is the input {}; write to another file",
                path.display(),
                input.display()
            );
        }
    }
    // `why502 analyze a.pcap >> a.pcap`
    if let Some(input) = the_same(of(&io::stdout())) {
        bail!("standard output goes to the input {}; write to another file", input.display());
    }
    Ok(())
}

fn read(path: &Path) -> Option<Metadata> {
    if path.as_os_str() == "-" { of(&io::stdin()) } else { fs::metadata(path).ok() }
}

/// Makes sure that two outputs, each with the option that names it, are not one file.
///
/// # Errors
/// When they are.
pub fn refuse_twice(one: (&str, &Path), other: (&str, Option<&Path>)) -> Result<()> {
    let ((option, path), (other_option, Some(other_path))) = (one, other) else { return Ok(()) };
    let known = |path: &Path| fs::metadata(path).ok().as_ref().and_then(identity);
    let same = known(path).zip(known(other_path)).is_some_and(|(one, other)| one == other);
    if same || path == other_path {
        bail!("{option} {}: {other_option} goes there; write to another file", path.display());
    }
    Ok(())
}

fn of(stream: &(impl AsFd + IsTerminal)) -> Option<Metadata> {
    let file = stream.as_fd().try_clone_to_owned().ok()?;
    File::from(file).metadata().ok()
}

/// Of something that writing changes for who reads it: not of a terminal, or /dev/null.
fn identity(file: &Metadata) -> Option<(u64, u64)> {
    let is_device = file.file_type().is_char_device();
    (!is_device).then(|| (file.dev(), file.ino()))
}
