//! From what the user named to the addresses to scan.

mod earlier;
mod excluded;
mod local;
mod named;
mod scope;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use scanner_core::{TargetSet, remove_broadcasts, remove_unscannable};
use scanner_dns::{FamilyPolicy, ResolveError, Resolver};
use scanner_net::ScanPlan;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::networks::Networks;
use crate::settings::TargetSettings;

pub(crate) use self::earlier::EarlierSettings;
use self::excluded::Excluded;
pub(crate) use self::named::PortChoice;
use self::named::{Assigned, Named};
use self::words::{Place, Word};

/// What was named, before any name is looked up.
#[derive(Debug, Default)]
pub(crate) struct Requested {
    wanted: Named,
    excluded: Excluded,
    scope: Option<TargetSet>,
    /// What was read otherwise than it was typed.
    notes: Notes,
}

/// What there is to scan.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// The addresses with their names and ports.
    pub(crate) plan: ScanPlan,
    /// The names without address.
    pub(crate) unresolved: Vec<ResolveError>,
    /// What was read otherwise than it was typed, and what was left out.
    pub(crate) notes: Vec<String>,
}

/// Who looks names up, and until when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) resolver: &'a Resolver,
    pub(crate) cancel: &'a CancellationToken,
}

/// What the user should know about the targets, each note once and not without end.
#[derive(Debug, Default)]
struct Notes {
    lines: Vec<String>,
    met: BTreeSet<String>,
    more: usize,
}

/// A file of networks with host bits must not fill the screen.
const MOST_NOTES: usize = 10;

impl Notes {
    fn add(&mut self, note: String) {
        if self.met.contains(&note) {
            return;
        }
        if self.lines.len() == MOST_NOTES {
            self.more += 1;
            return;
        }
        self.met.insert(note.clone());
        self.lines.push(note);
    }

    fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("{} more notes like these", self.more));
        }
        self.lines
    }
}

impl Requested {
    /// Refuses what cannot be had without looking names up.
    ///
    /// # Errors
    /// The first name.
    pub(crate) fn without_names(&self) -> Result<(), Failure> {
        let name = self.wanted.first_name().or_else(|| self.excluded.first_name());
        name.map_or(Ok(()), |name| {
            let message = format!("`{}`: names are not looked up (--dns off)", name.escape_debug());
            Err(Failure::usage(message).with_hint("give its address"))
        })
    }

    /// Reads the command line and the files. Blocks, as standard input may be one of them.
    ///
    /// # Errors
    /// A file that cannot be read, a word that cannot be understood.
    pub(crate) fn read(settings: &TargetSettings, networks: &Networks) -> Result<Self, Failure> {
        let mut requested = Self::default();
        let (wanted, notes) = (&mut requested.wanted, &mut requested.notes);
        for word in &settings.words {
            if word == "-" {
                words::each_of_file(Path::new("-"), |word| wanted.add(&word, networks, notes))?;
            } else {
                wanted.add(&Word { text: word, place: Place::CommandLine }, networks, notes)?;
            }
        }
        for path in &settings.inputs {
            words::each_of_file(path, |word| wanted.add(&word, networks, notes))?;
        }
        if settings.local {
            local::add(wanted, networks, notes)?;
        }
        for path in &settings.earlier.files {
            earlier::add(wanted, path, &settings.earlier, notes)?;
        }
        let excluded = &mut requested.excluded;
        for given in &settings.exclude {
            words::each_of_list(&given.text, Place::Option(&given.origin), |word| {
                excluded.add(&word, networks)
            })?;
        }
        for path in &settings.exclude_files {
            words::each_of_file(path, |word| excluded.add(&word, networks))?;
        }
        requested.scope = settings.scope.as_deref().map(scope::read).transpose()?;
        Ok(requested)
    }

    /// Looks the names up and takes out what is not to be scanned.
    ///
    /// # Errors
    /// An exclusion that cannot be looked up, an address outside the scope, nothing left.
    pub(crate) async fn gather(
        self,
        settings: &TargetSettings,
        ports: PortChoice<'_>,
        networks: &Networks,
        names: Names<'_>,
    ) -> Result<Gathered, Failure> {
        let (resolved, unresolved) = names.resolver.resolve_all(&self.wanted.names(), names.cancel).await;
        let Assigned { mut targets, own_ports, portless } = self.wanted.resolved(&resolved, ports);
        let named_any = !targets.is_empty() || !portless.is_empty();
        let mut notes = self.notes.into_lines();
        notes.extend(skipped(&portless, "all its ports are excluded"));
        notes.extend(drop_other_family(&mut targets, settings.family));

        self.excluded.take_out(&mut targets, names).await?;
        notes.extend(remove_unscannable(&mut targets));
        notes.extend(remove_broadcasts(&mut targets, &networks.with_broadcast()));
        if let Some(scope) = &self.scope {
            scope::check(&targets, scope)?;
        }
        if targets.is_empty() && (named_any || unresolved.is_empty()) {
            let nothing =
                if named_any { "everything that was named is excluded" } else { "nothing was named" };
            let hint = if notes.is_empty() { nothing.to_owned() } else { notes.join("; ") };
            return Err(Failure::usage("no target is left to scan").with_hint(hint));
        }
        let plan = ScanPlan::new(targets, ports.default.clone()).with_own_ports(own_ports);
        Ok(Gathered { plan, unresolved, notes })
    }
}

/// The number of an interface of this machine.
fn index_of(interface: &str, word: &Word<'_>, networks: &Networks) -> Result<u32, Failure> {
    if let Some(index) = networks.index_of(interface) {
        return Ok(index);
    }
    let mut names: Vec<&str> = networks.interfaces.iter().map(|known| known.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let message = format!(
        "{}: this machine has no interface `{}` with an address",
        word.place,
        interface.escape_debug()
    );
    if names.is_empty() {
        return Err(Failure::usage(message));
    }
    Err(Failure::usage(message).with_hint(format!("there are {}", names.join(", "))))
}

/// How many ranges a note names.
const NAMED_RANGES: usize = 3;

/// A note about addresses that were left out.
fn skipped(targets: &TargetSet, why: &str) -> Option<String> {
    let more = if targets.range_count() > NAMED_RANGES { ", …" } else { "" };
    let mut shown = TargetSet::new();
    for (first, last) in targets.ranges().take(NAMED_RANGES) {
        shown.insert_range(first, last);
    }
    (!shown.is_empty()).then(|| format!("{shown}{more} skipped ({why})"))
}

/// Takes out addresses of the family that is not wanted, and says so.
fn drop_other_family(targets: &mut TargetSet, family: FamilyPolicy) -> Option<String> {
    let mut other = TargetSet::new();
    for (first, last) in targets.ranges().filter(|(first, _)| !family.allows(*first)) {
        other.insert_range(first, last);
    }
    let flag = match family {
        FamilyPolicy::Any => return None,
        FamilyPolicy::Ipv4 => "-4",
        FamilyPolicy::Ipv6 => "-6",
    };
    targets.subtract(&other);
    skipped(&other, flag)
}

#[cfg(test)]
mod tests;
