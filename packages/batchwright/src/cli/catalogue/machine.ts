import type { Catalogue } from './entry.ts'

/** What `doctor` finds wrong with the machine and the project. */
export const MACHINE: Catalogue = {
  VARIABLE_UNKNOWN: {
    title: 'A variable is nearly one that is read',
    meaning: 'Nothing reads an environment variable of this name; one of nearly the same name is.',
    causes: ['The name is mistyped.'],
    remedies: ['Use the name that `doctor` suggests.'],
    example: {
      message: 'nothing reads the variable BATCHWRIGHT_SLOT',
      remedy: 'BATCHWRIGHT_SLOTS=4 batchwright run JOB',
    },
  },
  BUNDLER_UNUSABLE: {
    title: 'The bundler does not work',
    meaning: 'Job files are bundled by esbuild, whose program is made for one platform.',
    causes: ['`node_modules` was copied from another machine.', 'Install scripts were turned off.'],
    remedies: ['Install on this machine: `npm ci`.'],
    example: { message: 'esbuild does not work: the package for this platform could not be found', remedy: 'npm ci' },
  },
  DUCKDB_UNUSABLE: {
    title: 'DuckDB is installed and does not load',
    meaning: 'Parquet and sql steps need it.',
    causes: ['`node_modules` was copied from another machine.', 'The system lacks a library that it needs.'],
    remedies: ['Install it again on this machine: `npm install @duckdb/node-api`.'],
    example: {
      message: 'DuckDB does not load: cannot open shared object file',
      remedy: 'npm install @duckdb/node-api',
    },
  },
  STORE_WITHOUT_WAL: {
    title: 'The store keeps no write-ahead log',
    meaning: 'Another program has changed the journal mode of the file: readers and writers wait for each other.',
    causes: ['The file was opened and saved with a tool for SQLite.'],
    remedies: ['Run any command that writes: it sets the mode.'],
    example: { message: 'journal mode delete instead of wal', remedy: 'batchwright run JOB' },
  },
  STORE_WAL_LARGE: {
    title: "The store's log has grown large",
    meaning:
      'Changes stand in the write-ahead log and are not folded into the file: a reader that stays open keeps them from it.',
    causes: ['Another program has the file open for reading.', 'A process of Batchwright hangs.'],
    remedies: ['End other programs that have the file open; the log is folded in when the last one closes it.'],
    example: { message: '2.0 MB, write-ahead log 812 MB', remedy: 'lsof .batchwright/store.db' },
  },
  RUN_LEFT: {
    title: 'A run is unfinished and nobody works on it',
    meaning: 'Its process was ended; everything up to its last checkpoint is kept.',
    causes: ['The process was killed, or the machine restarted.', 'Ctrl-C.'],
    remedies: ['Go on with it: `batchwright run JOB --window WINDOW`.', 'Or end it: `batchwright cancel RUN`.'],
    example: {
      message: 'billing 2011-01 is running and nobody works on it',
      remedy: 'batchwright run billing --window 2011-01',
    },
  },
  CLOCK_BEHIND_STORE: {
    title: 'The clock is behind the store',
    meaning: 'The store has recorded a time that has not come yet. Leases that were taken then last until it has.',
    causes: ['The clock was set back.', 'The store was copied from a machine whose clock is ahead.'],
    remedies: ['Set the clock: `timedatectl set-ntp true`.', 'Or wait until that time has passed.'],
    example: {
      message: 'the store has recorded 2026-03-01T12:00:00.000Z, and the clock says 2026-03-01T11:00:00.000Z',
      remedy: 'timedatectl set-ntp true',
    },
  },
  CLOCK_JUMPED: {
    title: 'The clock jumps',
    meaning: 'The wall clock moved while `doctor` looked, by more than time had passed.',
    causes: ['Two programs set the clock, or a virtual machine was paused.'],
    remedies: ['Let one program set it, slowly: chrony or systemd-timesyncd.'],
    example: {
      message: 'the wall clock moved by -3600000 ms while doctor looked',
      remedy: 'systemctl restart systemd-timesyncd',
    },
  },
  TIME_ZONES_OLD: {
    title: 'The rules of time zones are old',
    meaning: 'Windows in zones whose rules have changed since begin at the wrong hour.',
    causes: ['This Node is years old.'],
    remedies: ['Upgrade Node within its version: it brings newer data.'],
    example: { message: 'time zone data 2023a', remedy: 'nvm install 24' },
  },
  FOLDER_UNWRITABLE: {
    title: 'A folder cannot be written',
    meaning: 'Runs write to it: the state folder, or that of a dataset.',
    causes: ['It belongs to another user.', 'The file system is mounted read-only.'],
    remedies: ['Give the user that runs jobs the right to it: `chown`, or `chmod`.'],
    example: {
      message: 'dataset invoices: /data/out cannot be written by user 1000',
      remedy: 'chown -R 1000 /data/out',
    },
  },
  FOLDER_UNREADABLE: {
    title: 'A folder cannot be read',
    meaning: 'Job files, or inputs, lie in it.',
    causes: ['It belongs to another user.'],
    remedies: ['Give the user that runs jobs the right to it: `chown`, or `chmod`.'],
    example: { message: 'jobs: /project cannot be read by user 1000', remedy: 'chmod -R u+r /project' },
  },
  DISK_LOW: {
    title: 'There is little room for a run',
    meaning: 'A run stages its output beside what is published, so it needs about twice what it writes.',
    causes: ['The disk is nearly full.'],
    remedies: ['Free space on the file system that is named.'],
    example: { message: '2.0 GB free for state; the last run wrote 1.2 GB', remedy: 'df -h' },
  },
  FLUSH_SLOW: {
    title: 'A flush to disk is slow',
    meaning: 'Each commit of a run waits until its records are on the disk.',
    causes: ['The disk is busy, or slow.', 'It is a network volume.'],
    remedies: ['Put state and datasets on a faster disk.', "Commit less often: `.commit({ every: '5s' })`."],
    example: {
      message: 'state: a flush to disk took 450 ms in /project/.batchwright',
      remedy: ".commit({ every: '5s' })",
    },
  },
  LINKS_UNSUPPORTED: {
    title: 'The file system has no hard links',
    meaning: 'Publication links finished parts and manifests into place: that is what makes it one act.',
    causes: ['It is FAT, exFAT, or a mount of some container platforms.'],
    remedies: ['Publish to a local file system such as ext4, xfs or apfs.'],
    example: {
      message: 'dataset invoices: /mnt/usb has no hard links (EPERM)',
      remedy: "dataset('invoices', { location: '/data/invoices', ... })",
    },
  },
  STORAGE_UNUSABLE: {
    title: 'A file cannot be written and flushed',
    meaning: '`doctor` tried with a small file, and the file system refused.',
    causes: ['The disk is full or read-only.', 'The disk is damaged.'],
    remedies: ['Look at the disk and at the permissions of the folder.'],
    example: {
      message: 'state: a file cannot be written and flushed in /project/.batchwright (EROFS)',
      remedy: 'mount -o remount,rw /project',
    },
  },
}
