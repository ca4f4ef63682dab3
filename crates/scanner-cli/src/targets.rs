//! From what the user named to the addresses to scan.

mod scope;
mod words;

use std::path::Path;

use scanner_core::{HostAddr, TargetItem, TargetSet, parse_host, remove_broadcasts, remove_unscannable};
use scanner_dns::{FamilyPolicy, ResolveError, Resolver};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::networks::Networks;
use crate::settings::TargetSettings;

use words::{Place, Word};

/// What was named, before any name is looked up.
#[derive(Debug, Default)]
pub(crate) struct Requested {
    wanted: Named,
    excluded: Named,
    scope: Option<TargetSet>,
    /// What was read otherwise than it was typed.
    notes: Vec<String>,
}

/// Addresses and names side by side.
#[derive(Debug, Default)]
struct Named {
    addrs: TargetSet,
    names: Vec<String>,
}

/// What there is to scan.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// The addresses with their names.
    pub(crate) targets: TargetSet,
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

impl Requested {
    /// Refuses what cannot be had without looking names up.
    ///
    /// # Errors
    /// The first name.
    pub(crate) fn without_names(&self) -> Result<(), Failure> {
        let mut names = self.wanted.names.iter().chain(&self.excluded.names);
        names.next().map_or(Ok(()), |name| {
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
                wanted.add(&Word { text: word, place: &Place::CommandLine }, networks, notes)?;
            }
        }
        for path in &settings.inputs {
            words::each_of_file(path, |word| wanted.add(&word, networks, notes))?;
        }
        requested.notes.dedup();
        let excluded = &mut requested.excluded;
        for given in &settings.exclude {
            let place = Place::Option(given.origin.clone());
            words::each_of_list(&given.text, &place, |word| excluded.add(&word, networks, &mut Vec::new()))?;
        }
        for path in &settings.exclude_files {
            words::each_of_file(path, |word| excluded.add(&word, networks, &mut Vec::new()))?;
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
        networks: &Networks,
        names: Names<'_>,
    ) -> Result<Gathered, Failure> {
        let Names { resolver, cancel } = names;
        let (resolved, unresolved) = resolver.resolve_all(&self.wanted.names, cancel).await;
        let mut gathered = Gathered { targets: self.wanted.addrs, unresolved, notes: self.notes };
        let named_any = !gathered.targets.is_empty() || !resolved.is_empty();
        gathered.notes.extend(drop_other_family(&mut gathered.targets, settings.family));
        gathered.targets.union(&resolved);

        gathered.targets.subtract(&self.excluded.all_addresses(names).await?);
        gathered.notes.extend(remove_unscannable(&mut gathered.targets));
        gathered.notes.extend(remove_broadcasts(&mut gathered.targets, &networks.with_broadcast()));
        if let Some(scope) = &self.scope {
            scope::check(&gathered.targets, scope)?;
        }
        if gathered.targets.is_empty() && named_any {
            let hint = if gathered.notes.is_empty() {
                "everything that was named is excluded".to_owned()
            } else {
                gathered.notes.join("; ")
            };
            return Err(Failure::usage("no target is left to scan").with_hint(hint));
        }
        Ok(gathered)
    }
}

impl Named {
    fn add(&mut self, word: &Word<'_>, networks: &Networks, notes: &mut Vec<String>) -> Result<(), Failure> {
        let parsed = parse_host(word.text).map_err(|error| word.place.fail(&error))?;
        notes.extend(parsed.notes);
        match parsed.item {
            TargetItem::Addresses(ranges) => {
                for (first, last) in ranges {
                    self.addrs.insert_range(first, last);
                }
            }
            TargetItem::Scoped { ip, interface } => match networks.index_of(&interface) {
                Some(index) => self.addrs.insert(HostAddr::with_scope(ip.into(), index)),
                None => return Err(no_such_interface(word, &interface, networks)),
            },
            TargetItem::Name(name) => self.names.push(name),
        }
        Ok(())
    }

    /// Every address of everything. An exclusion whose address is not known must stop the scan: it may be the one that
    /// must not be touched.
    async fn all_addresses(self, names: Names<'_>) -> Result<TargetSet, Failure> {
        let resolver = names.resolver.choosing(FamilyPolicy::Any, true);
        let (mut all, errors) = resolver.resolve_all(&self.names, names.cancel).await;
        if let Some(error) = errors.first() {
            return Err(Failure::usage(format!("exclusion: {error}")).with_hint("exclude it by its address"));
        }
        all.union(&self.addrs);
        Ok(all)
    }
}

fn no_such_interface(word: &Word<'_>, interface: &str, networks: &Networks) -> Failure {
    let mut names: Vec<&str> = networks.interfaces.iter().map(|known| known.name.as_str()).collect();
    names.dedup();
    let message = format!(
        "{}: this machine has no interface `{}` with an address",
        word.place,
        interface.escape_debug()
    );
    if names.is_empty() {
        return Failure::usage(message);
    }
    Failure::usage(message).with_hint(format!("there are {}", names.join(", ")))
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
    (!other.is_empty()).then(|| format!("{other} skipped ({flag})"))
}

#[cfg(test)]
mod tests;
