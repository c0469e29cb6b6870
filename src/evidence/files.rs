//! The making of private files, and what goes wrong with them.

use std::cell::RefCell;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::rc::Rc;

/// Makes a file that nobody but its owner may read, whatever was there before.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // It may be /dev/null.
    if file.metadata()?.is_file() {
        // Before anything is in it.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.set_len(0)?;
    }
    Ok(file)
}

/// What went wrong with files, each thing told once.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Rc<RefCell<Vec<String>>>);

impl Troubles {
    pub(super) fn tell(&self, trouble: String) {
        self.0.borrow_mut().push(trouble);
    }

    /// What has not been told yet.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}
