import { DomainBase } from '@fulcrum/domain';
import Tinypool from 'tinypool';
import type { Job } from './job.js';

const filename = new URL('./job.ts', import.meta.url).href;

export default class Check extends DomainBase {
  async appCheckHandler(): Promise<object> {
    const threads = await this.run('worker_threads');
    const processes = await this.run('child_process');
    return { threads, processes };
  }

  private async run(runtime: 'worker_threads' | 'child_process'): Promise<unknown[]> {
    const pool = new Tinypool({ filename, runtime, minThreads: 2, maxThreads: 2, env: { ...process.env, POOL: runtime }, execArgv: ['--no-warnings'] });
    try {
      return await Promise.all([1, 2, 3].map((n) => pool.run({ n, kind: 'square' } satisfies Job)));
    } finally {
      await pool.destroy();
    }
  }
}
