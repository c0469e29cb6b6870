//! What a watch may do once everything is open: nothing but read its sockets and write its files.
//!
//! Frames come from anywhere; a flaw in reading them must not be worth a host. So, before the first
//! frame is looked at: another user where there are no files to write, no capability left that could
//! be taken up again, and the file system closed with Landlock (Linux 5.13 and later).

use anyhow::{Context, Result, bail};
use caps::CapSet;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus,
};
use nix::unistd::{self, AccessFlags, Gid, Uid, User};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// Who does nothing else.
const NOBODY: &str = "nobody";
/// Where libpcap reads how many frames an interface lost.
const INTERFACE_COUNTERS: [&str; 2] = ["/sys/class/net", "/sys/devices"];

/// What is left to a watch.
#[derive(Clone, Debug)]
pub(super) struct Left {
    user: String,
    /// The kernel closed the file system.
    closed: bool,
}

/// As the first line says it.
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = if self.closed { "file system closed" } else { "no Landlock in this kernel" };
        write!(f, "now {} without capabilities, {files}", self.user)
    }
}

/// Gives up what is not needed any more. `folders` are those in which files are written; `user` is
/// whom to become, as told; with `groups`, the control groups of processes can still be read.
///
/// # Errors
/// When it cannot be done, or the folders cannot be written to afterwards.
pub(super) fn drop(user: Option<&str>, folders: &[PathBuf], groups: bool) -> Result<Left> {
    if Uid::effective().is_root() {
        become_user(&chosen(user, folders)?)?;
    } else if let Some(user) = user {
        bail!("--user {user}: only root can become another user");
    }
    // A capability that was given to the program, not to root, is still there.
    // Kernels before 4.3 know no ambient ones.
    let _ = caps::clear(None, CapSet::Ambient);
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::clear(None, set).context("cannot drop capabilities")?;
    }
    let user = User::from_uid(Uid::effective()).ok().flatten();
    let user = user.map_or_else(|| format!("user {}", Uid::effective()), |user| user.name);
    for folder in folders {
        if unistd::access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
            bail!(
                "{}: cannot be written to by {user}, as whom the watch goes on; name a folder that \
                 can, or with --user somebody who can",
                folder.display()
            );
        }
    }
    let closed = close_files(folders, groups).context("cannot close the file system")?;
    Ok(Left { user, closed })
}

/// Whom to become: as told; whoever owns the folder that files are written to, so that its owner can
/// read them; nobody.
fn chosen(told: Option<&str>, folders: &[PathBuf]) -> Result<User> {
    if let Some(name) = told {
        let user = User::from_name(name).with_context(|| format!("--user {name}"))?;
        return user.with_context(|| format!("--user {name}: there is no such user"));
    }
    let Some(folder) = folders.first() else {
        let user = User::from_name(NOBODY).context("cannot look up the user nobody")?;
        return user.context("there is no user nobody here: name one with --user");
    };
    let owner = Uid::from_raw(fs::metadata(folder).with_context(|| shown(folder))?.uid());
    let user = User::from_uid(owner).ok().flatten();
    user.with_context(|| format!("{}: its owner {owner} has no name: use --user", folder.display()))
}

fn become_user(user: &User) -> Result<()> {
    let failed = || format!("cannot become {}", user.name);
    unistd::setgroups(&[]).with_context(failed)?;
    unistd::setresgid(user.gid, user.gid, user.gid).with_context(failed)?;
    unistd::setresuid(user.uid, user.uid, user.uid).with_context(failed)?;
    let (uid, gid) = (Uid::effective(), Gid::effective());
    if (uid, gid) != (user.uid, user.gid) {
        bail!("{}: it is still {uid}:{gid}", failed());
    }
    Ok(())
}

/// Closes the file system but for writing in `folders`, and TCP; returns whether the kernel does it.
///
/// Landlock cannot name one file of each process, so with `groups` all of /proc stays readable, as far
/// as it is to everybody: what there is to hide (environments, memory, open files) is refused to another
/// user, and by Landlock to any process outside.
fn close_files(folders: &[PathBuf], groups: bool) -> Result<bool> {
    let abi = ABI::V5;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .create()?;
    for folder in folders {
        let beneath = PathBeneath::new(PathFd::new(folder)?, AccessFs::from_all(abi));
        rules = rules.add_rule(beneath)?;
    }
    for counters in INTERFACE_COUNTERS {
        // A host without them has no counters to read.
        if let Ok(folder) = PathFd::new(counters) {
            rules = rules.add_rule(PathBeneath::new(folder, AccessFs::from_read(abi)))?;
        }
    }
    if groups {
        let processes = PathFd::new("/proc")?;
        rules = rules.add_rule(PathBeneath::new(processes, AccessFs::ReadFile))?;
    }
    Ok(rules.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}

/// Makes a folder to write files in, if there is none yet: nobody but its owner may read them. Made by
/// root in somebody's folder, it is theirs.
///
/// # Errors
/// When it is no folder, or cannot be made.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{}: cannot make this folder", folder.display()))?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = fs::metadata(parent.unwrap_or(Path::new("."))).with_context(|| shown(folder))?;
    if Uid::effective().is_root() && parent.uid() != 0 {
        let owner = (Some(Uid::from_raw(parent.uid())), Some(Gid::from_raw(parent.gid())));
        unistd::chown(folder, owner.0, owner.1).with_context(|| shown(folder))?;
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
