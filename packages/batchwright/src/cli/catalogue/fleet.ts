import type { Catalogue } from './entry.ts'

/** Many machines on one store: what they must have in common. */
export const FLEET: Catalogue = {
  STORE_PASSWORD_IN_FILE: {
    title: 'The configuration file holds the password of the store',
    meaning:
      'A warning of `batchwright doctor`: batchwright.config.json is likely to be kept with the code, where more people read it than should know the password.',
    causes: ['`store` was set to a URL with a password in it.'],
    remedies: [
      'Take the password out of the file, and set PGPASSWORD where Batchwright is started.',
      'Or set BATCHWRIGHT_STORE_FILE to the path of a file that holds the whole URL, as container platforms mount secrets; or BATCHWRIGHT_STORE to the URL.',
    ],
    example: {
      message: 'batchwright.config.json holds the password of the store',
      remedy: 'BATCHWRIGHT_STORE_FILE=/run/secrets/store batchwright worker',
    },
  },
  STORAGE_NOT_SHARED: {
    title: 'This host does not see the storage of the runs',
    meaning:
      'Runs keep files in the state folder: plans, records between steps, dead letters, logs. The store remembers which folder that is by a marker file in it. This process looks at another folder, so it could not read what other workers have staged. It is given no work.',
    causes: [
      'The state folder is on a disk of this host, and the other workers have one of their own.',
      'The shared file system is not mounted on this host, or not yet.',
      '`state` is configured to another folder here than there.',
    ],
    remedies: [
      'Put the project, or at least its state folder and the locations of its datasets, on a file system that all hosts mount at the same path (NFS and the like); the store is in PostgreSQL, so that nothing depends on its locks.',
      '`batchwright doctor` shows what this host sees.',
      'Where the old storage is gone for good: end all workers, end the unfinished runs with `batchwright cancel RUN`, and start again; the first process names its storage.',
    ],
    example: {
      message:
        "expected the state folder /srv/jobs/.batchwright to be the storage of this store's runs (named by host night-1), found no marker of it there",
      remedy: 'mount -t nfs files:/srv/jobs /srv/jobs',
    },
  },
  STORAGE_ELSEWHERE: {
    title: 'The storage is mounted at another path here',
    meaning:
      'This process sees the storage of the runs, but at another path than the store knows. Paths of files are kept in the store, so that all hosts must use the same.',
    causes: [
      'The shared file system is mounted at another place on this host.',
      'The project was moved while workers are alive.',
    ],
    remedies: [
      'Mount it at the path that the message names.',
      'To move a project for good, end all workers first: the next process takes the new place over.',
    ],
    example: {
      message:
        'expected the storage of this store at /srv/jobs/.batchwright (named by host night-1), found it at /mnt/jobs/.batchwright',
      remedy: 'mount --bind /mnt/jobs /srv/jobs',
    },
  },
}
