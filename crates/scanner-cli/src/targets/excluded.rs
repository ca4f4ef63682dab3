//! `Excluded`: what is never scanned, whoever names it.

use scanner_core::{HostAddr, TargetItem, TargetSet, TargetSetBuilder, parse_host};
use scanner_dns::FamilyPolicy;

use crate::failure::Failure;
use crate::networks::Networks;

use super::words::Word;
use super::{Names, index_of};

/// Addresses, and names that are looked up as well as compared.
#[derive(Debug, Default)]
pub(super) struct Excluded {
    addrs: TargetSetBuilder,
    names: Vec<String>,
}

impl Excluded {
    /// Adds what a word stands for.
    ///
    /// # Errors
    /// A word that cannot be understood or has ports, an interface that this machine does not have.
    pub(super) fn add(&mut self, word: &Word<'_>, networks: &Networks) -> Result<(), Failure> {
        match parse_host(word.text).map_err(|error| word.place.fail(&error))?.item {
            TargetItem::Addresses(ranges) => {
                for (first, last) in ranges {
                    self.addrs.insert_range(first, last);
                }
            }
            TargetItem::Scoped { ip, interface } => {
                let addr = HostAddr::with_scope(ip.into(), index_of(&interface, word, networks)?);
                self.addrs.insert_range(addr, addr);
            }
            TargetItem::Name(name) => self.names.push(name),
        }
        Ok(())
    }

    /// Some name that would be looked up.
    pub(super) fn first_name(&self) -> Option<&str> {
        self.names.first().map(String::as_str)
    }

    /// Takes every address out of `targets` that is excluded, leads to an excluded name, or has one. An exclusion whose
    /// address is not known must stop the scan: it may be the one that must not be touched.
    ///
    /// # Errors
    /// A name that cannot be looked up.
    pub(super) async fn take_out(self, targets: &mut TargetSet, names: Names<'_>) -> Result<(), Failure> {
        let resolver = names.resolver.choosing(FamilyPolicy::Any, true);
        let (found, errors) = resolver.resolve_all(&self.names, names.cancel).await;
        if let Some(error) = errors.first() {
            return Err(Failure::usage(format!("exclusion: {error}")).with_hint("exclude it by its address"));
        }
        // An earlier result may know an address under a name that leads elsewhere today.
        let is_excluded =
            |name: &String| self.names.iter().any(|excluded| excluded.eq_ignore_ascii_case(name));
        let same_name = targets.named().filter(|(_, names)| names.iter().any(is_excluded));
        let same_name: TargetSet = same_name.map(|(addr, _)| addr).collect();
        for excluded in [found, same_name, self.addrs.build()] {
            targets.subtract(&excluded);
        }
        Ok(())
    }
}
