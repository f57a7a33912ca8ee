//! Which key is which node.

use crate::{NodeId, Registration, Scope, ServiceName};

use super::{number::Blob, wire::KeyValue};

/// Which key is which node: a prefix, the service, `/` and the node. Names hold no `/`, so that no two nodes share a
/// key and no service's keys stand among another's.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// What a key holds.
#[derive(Debug)]
pub(super) enum Found {
    /// A node.
    Node(Box<Registration>),
    /// What cannot be read, where this node would be.
    Unreadable(ServiceName, NodeId),
    /// A key that is none of a node.
    Stranger,
}

impl Keys {
    /// Keys that begin with `prefix`, which ends with `/`.
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// The key of a node.
    pub(super) fn of(&self, service: &ServiceName, node: &NodeId) -> Blob {
        format!("{}{service}/{node}", self.prefix).as_str().into()
    }

    /// The first key of a scope, and the first one after it.
    pub(super) fn range(&self, scope: &Scope) -> (Blob, Blob) {
        let first = match scope {
            Scope::Service(service) => format!("{}{service}/", self.prefix),
            Scope::All => self.prefix.clone(),
        };
        let mut end = first.clone();
        // The character after `/` is `0`.
        end.pop();
        end.push('0');
        (first.as_str().into(), end.as_str().into())
    }

    /// The node that a key is of.
    pub(super) fn parse(&self, key: &Blob) -> Option<(ServiceName, NodeId)> {
        let rest = key.0.strip_prefix(self.prefix.as_bytes())?;
        let (service, node) = std::str::from_utf8(rest).ok()?.split_once('/')?;
        Some((service.parse().ok()?, node.parse().ok()?))
    }

    /// What a key holds, with a warning if that is no registration of the node.
    pub(super) fn read(&self, kv: &KeyValue) -> Found {
        let Some((service, node)) = self.parse(&kv.key) else {
            tracing::warn!(key = ?kv.key, "a key in etcd is none of a node, and is left out");
            return Found::Stranger;
        };
        let reason = match Registration::from_json(&kv.value.0) {
            Ok(registration) if registration.service == service && registration.node.id == node => {
                return Found::Node(Box::new(registration));
            }
            Ok(_) => "it is of another node".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(%service, %node, %reason, "a registration in etcd is left out");
        Found::Unreadable(service, node)
    }
}

/// The first key after this one.
pub(super) fn after(key: &Blob) -> Blob {
    let mut next = key.clone();
    next.0.push(0);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_of_one_node() {
        let keys = Keys::new("/p/".to_owned());
        let (service, node) = ("a-b".parse().unwrap(), "10.0.0.5:3000".parse().unwrap());
        let key = keys.of(&service, &node);
        assert_eq!(key, Blob::from("/p/a-b/10.0.0.5:3000"));
        assert_eq!(keys.parse(&key), Some((service, node)));
        for bad in ["/p/a", "/p/a/", "/p//b", "/p/a/b/c", "/q/a/b", "/p/a/../b", ""] {
            assert_eq!(keys.parse(&bad.into()), None, "{bad}");
        }
        assert_eq!(keys.parse(&Blob(b"/p/a/\xff".to_vec())), None);
    }

    #[test]
    fn a_range_holds_its_service_and_no_other() {
        let keys = Keys::new("/p/".to_owned());
        let (first, end) = keys.range(&Scope::Service("a".parse().unwrap()));
        let holds = |key: &str| (&first..&end).contains(&&Blob::from(key));
        assert!(holds("/p/a/b") && holds("/p/a/zzz"));
        assert!(!holds("/p/a-b/c") && !holds("/p/a.b/c") && !holds("/p/a0/c") && !holds("/p/ab/c"));
        assert_eq!(keys.range(&Scope::All), ("/p/".into(), "/p0".into()));
    }
}
