import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The state of an open connection in /proc/net/tcp. */
const ESTABLISHED = '01';
const DEFAULT_PORT = 50051;

/**
 * Whether this process is connected to the runtime, with whatever client: it has a socket whose other
 * end has the runtime's port. False where the system does not tell.
 */
export function isConnected(address: string | undefined): boolean {
  const port = Number(/:(\d+)\/?$/.exec(address ?? '')?.[1] ?? DEFAULT_PORT);
  try {
    const inodes = new Set([...socketsTo(port, '/proc/self/net/tcp'), ...socketsTo(port, '/proc/self/net/tcp6')]);
    return inodes.size > 0 && readdirSync('/proc/self/fd').some((fd) => inodes.has(socketOf(fd)));
  } catch {
    return false;
  }
}

/** The inodes of all connections to this port. */
function socketsTo(port: number, table: string): string[] {
  let text: string;
  try {
    text = readFileSync(table, 'utf8');
  } catch {
    return [];
  }
  const rows = text.split('\n').slice(1).map((line) => line.trim().split(/\s+/));
  const open = rows.filter(([, , remote, state]) => state === ESTABLISHED && parseInt(remote?.split(':')[1] ?? '', 16) === port);
  return open.map((row) => row[9] ?? '');
}

/** The inode of the socket behind a descriptor; empty if it is none. */
function socketOf(fd: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? '';
  } catch {
    // The descriptor of the directory itself.
    return '';
  }
}
