//! Databases and caches, whose clients keep pools of connections as proxies do.

use super::product::{Limit, Product, SERVER, secs};

/// In the order of the list.
pub(super) const DATABASES: &[Product] = &[
    Product {
        id: "postgresql",
        name: "PostgreSQL",
        aliases: &["postgres"],
        idle: Limit::Never,
        knob: "idle_session_timeout",
        fix: "idle_session_timeout = {s}s",
        place: "postgresql.conf",
        source: "https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-IDLE-SESSION-TIMEOUT",
        checked: "2026-11-28",
        note: "off by default (0), since 14; says 57P05 before it closes; idle_in_transaction_session_timeout ends \
               what waits in a transaction; a pooler between has timers of its own",
        measured: "15.18 configured 2 s: closes after 2.0 s",
        ..SERVER
    },
    Product {
        id: "mysql",
        name: "MySQL, MariaDB",
        aliases: &["mariadb"],
        idle: secs(28_800),
        knob: "wait_timeout",
        fix: "wait_timeout = {s}",
        place: "my.cnf, in [mysqld]",
        source: "https://mariadb.com/docs/all/ref/mdb/system-variables/wait_timeout/ ; \
                 https://dev.mysql.com/doc/refman/8.0/en/server-system-variables.html#sysvar_wait_timeout",
        checked: "2026-11-28",
        note: "8 hours; interactive clients have interactive_timeout, as long; a session can set its own",
        measured: "MariaDB 10.11 configured 2 s: resets after 2.0 s",
        ..SERVER
    },
    Product {
        id: "redis",
        name: "Redis, Valkey",
        aliases: &["valkey"],
        idle: Limit::Never,
        knob: "timeout",
        fix: "timeout {s}",
        place: "redis.conf",
        source: "https://redis.io/docs/latest/develop/reference/clients/",
        checked: "2026-11-28",
        note: "off by default (0); counts whole seconds, and looks at each client about once a second; \
               not for those that subscribe or block",
        measured: "7.0.15 configured 2 s: closes after 2.8 s (2.4 to 3.4)",
        ..SERVER
    },
    Product {
        id: "memcached",
        name: "memcached",
        idle: Limit::Never,
        knob: "idle_timeout",
        fix: "memcached -o idle_timeout={s}",
        place: "memcached's command line",
        source: "https://github.com/memcached/memcached/blob/master/memcached.c",
        checked: "2026-11-28",
        note: "off by default (0); counts whole seconds, and closes all that are due at once when it looks",
        measured: "1.6.18 configured 2 s: closes after 3.9 s (3.7 to 4.5)",
        ..SERVER
    },
];
