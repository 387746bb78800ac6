import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** A serial line without hardware: a scanner's end for the test, and a path for the program. */
export interface Pty {
  readonly path: string
  /** The scanner sends. */
  send(text: string | Buffer): void
  /** What the scanner has heard so far, as hex. */
  heard(): string
  /** Resolves when the scanner has heard that much. */
  hears(hex: string): Promise<void>
  /** The cable is pulled. */
  close(): Promise<void>
}

/** Node has no pseudo-terminals; Perl's base package can open one (TIOCSPTLCK, TIOCGPTN) and pass bytes on. */
const script = `
  use Fcntl;
  $| = 1;
  sysopen(M, "/dev/ptmx", O_RDWR | O_NOCTTY) or die "ptmx: $!";
  $n = pack("i", 0);
  ioctl(M, 0x40045431, $n) or die "unlock: $!";
  ioctl(M, 0x80045430, $n) or die "number: $!";
  syswrite(STDOUT, unpack("i", $n) . "\\n");
  # Without an open other end a read would fail: this one stays open until the cable is pulled.
  sysopen(S, "/dev/pts/" . unpack("i", $n), O_RDWR | O_NOCTTY) or die "pts: $!";
  system("stty", "-F", "/dev/pts/" . unpack("i", $n), "raw", "-echo");
  syswrite(STDOUT, "open\\n");
  while (1) {
    $r = ""; vec($r, fileno(STDIN), 1) = 1; vec($r, fileno(M), 1) = 1;
    select($r, undef, undef, undef) or last;
    if (vec($r, fileno(STDIN), 1)) { sysread(STDIN, $b, 4096) or last; syswrite(M, $b) }
    if (vec($r, fileno(M), 1)) { sysread(M, $b, 4096) or last; syswrite(STDOUT, $b) }
  }
`

/** Why there can be no pseudo-terminal on this machine; null when there can. */
export function whyNoPty(): string | null {
  if (process.platform !== 'linux') return 'the serial tests need Linux'
  if (spawnSync('sh', ['-c', 'test -c /dev/ptmx && command -v perl && command -v stty']).status !== 0)
    return 'the serial tests need /dev/ptmx, perl and stty'
  return null
}

/** Opens a pseudo-terminal pair. */
export async function openPty(): Promise<Pty> {
  const perl = spawn('perl', ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(perl, 'exit')
  let head = ''
  let heard = ''
  const watchers = new Set<() => void>()
  const opened = new Promise<string>((resolve) => {
    perl.stdout.on('data', (data: Buffer) => {
      if (head.includes('open\n')) heard += data.toString('hex')
      else {
        head += data.toString('latin1')
        if (head.includes('open\n')) resolve(`/dev/pts/${Number.parseInt(head, 10)}`)
      }
      for (const watch of watchers) watch()
    })
  })
  const path = await Promise.race([opened, exited.then(() => null)])
  if (path === null) throw new Error('no pseudo-terminal could be opened')
  return {
    path,
    send: (text) => void perl.stdin.write(text),
    heard: () => heard,
    hears: (hex) =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (!heard.includes(hex)) return
          watchers.delete(watch)
          resolve()
        }
        watchers.add(watch)
        watch()
      }),
    async close() {
      perl.kill('SIGKILL')
      await exited
    },
  }
}
