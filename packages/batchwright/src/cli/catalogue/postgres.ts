import type { Catalogue } from './entry.ts'

const SHOWN = 'postgres://batchwright@db.example:5432/batchwright'

/** The store on PostgreSQL. What it has in common with the embedded one stands with that. */
export const POSTGRES_STORE: Catalogue = {
  STORE_ADDRESS_INVALID: {
    title: "The store's address cannot be read",
    meaning: 'The address of the store is no URL of PostgreSQL, or one of its settings is not what it may be.',
    causes: ['A character of the password that is not written as in URLs (`@` is %40).', 'A mistyped setting.'],
    remedies: [
      'Write it as postgres://USER@HOST:5432/DATABASE?schema=batchwright&pool=4.',
      'Give the password as PGPASSWORD, or in ~/.pgpass.',
    ],
    example: {
      message: 'the store\'s address: pool: expected a whole number above 0, found "many"',
      remedy: `BATCHWRIGHT_STORE=${SHOWN}?pool=8`,
    },
  },
  POSTGRES_CLIENT_MISSING: {
    title: "PostgreSQL's client is not installed",
    meaning: 'A store on PostgreSQL needs the package `pg`. Those who need none do not install it.',
    causes: ['It has not been installed beside Batchwright.'],
    remedies: ['`npm install pg`, then the same command again.'],
    example: {
      message: 'expected the package pg for a store on PostgreSQL, found that it cannot be loaded',
      remedy: 'npm install pg',
    },
  },
  STORE_UNREACHABLE: {
    title: 'The store cannot be reached',
    meaning:
      'The database does not answer, or has ended the connection. Workers wait for it and go on by themselves; commands give up. What was acknowledged is kept; whether the last call took place is found out when it is made again.',
    causes: [
      'The server is down, or starts again.',
      'A wrong host or port.',
      'A firewall between, or a network that is gone.',
    ],
    remedies: ['`pg_isready -h HOST -p PORT` from the same machine.', 'Type the same command again.'],
    example: {
      message: `expected to reach the store ${SHOWN}, found: connect ECONNREFUSED 10.0.0.5:5432`,
      remedy: 'pg_isready -h db.example',
    },
  },
  STORE_ACCESS_DENIED: {
    title: 'The store does not let this user in',
    meaning: 'The database refused the user, or the user has no right to the tables of the store.',
    causes: ['A wrong password.', 'pg_hba.conf admits nobody from here.', 'The schema belongs to another user.'],
    remedies: [
      'Look at the user of the address and at PGPASSWORD.',
      "Give the user a schema of its own: `create schema batchwright authorization USER`, once, as the database's owner.",
    ],
    example: {
      message: `the store ${SHOWN}: expected to be let in, found: password authentication failed for user "batchwright"`,
      remedy: 'psql postgres://batchwright@db.example/batchwright',
    },
  },
  STORE_DATABASE_MISSING: {
    title: 'The database of the store does not exist',
    meaning:
      'The server answers, and has no database of that name. Tables are made when they are missing; databases are not.',
    causes: ['It has not been created yet.', 'A mistyped name.'],
    remedies: ['`createdb batchwright`, once.'],
    example: {
      message: `the store ${SHOWN}: expected the database, found: database "batchwright" does not exist`,
      remedy: 'createdb -h db.example batchwright',
    },
  },
  STORE_CONNECTIONS_EXHAUSTED: {
    title: 'The database has no connection left',
    meaning: 'All connections that the server allows are taken. Workers wait and try again; commands give up.',
    causes: ['More processes than the server was set up for: each takes up to `pool` connections and one to listen.'],
    remedies: [
      'Raise `max_connections` of the server, or put PgBouncer before it.',
      'Lower `pool` in the address of the store.',
    ],
    example: {
      message: `the store ${SHOWN}: expected a free connection, found: sorry, too many clients already`,
      remedy: `BATCHWRIGHT_STORE='${SHOWN}?pool=2'`,
    },
  },
  STORE_READ_ONLY: {
    title: 'The database takes no writes',
    meaning: 'The server that answered is a standby, or was set read-only. Workers wait until it takes writes.',
    causes: [
      'The address names a standby.',
      'A failover is under way.',
      'The disk is nearly full, and the provider has closed it for writes.',
    ],
    remedies: ['Use the address of the primary.'],
    example: {
      message: `the store ${SHOWN}: expected a server that takes writes, found: cannot execute INSERT in a read-only transaction`,
      remedy: 'psql -c "select pg_is_in_recovery()" postgres://batchwright@db.example/batchwright',
    },
  },
  STORE_POOLER_UNPREPARED: {
    title: 'A pooler loses prepared statements',
    meaning:
      'A pooler in transaction mode gives each transaction another connection of the server, and statements that were prepared are not there.',
    causes: ['PgBouncer before 1.21, or one with max_prepared_statements = 0.'],
    remedies: ['Add `prepare=false` to the address, or set `max_prepared_statements` in PgBouncer.'],
    example: {
      message: `the store ${SHOWN}: expected prepared statements to stay with their connection, found: prepared statement "batchwright_3" does not exist`,
      remedy: `BATCHWRIGHT_STORE='${SHOWN}?prepare=false'`,
    },
  },
}
