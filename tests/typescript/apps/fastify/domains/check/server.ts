import { Type, type Static } from '@sinclair/typebox';
import Fastify, { FastifyInstance } from 'fastify';

enum Level {
  Guest = 1,
  Admin,
}

const User = Type.Object({ name: Type.String(), level: Type.Enum(Level) });
type User = Static<typeof User>;

interface Reply {
  user: User;
  label: string;
}

export function build(): FastifyInstance {
  const server = Fastify();
  server.post<{ Body: User; Reply: Reply }>('/users', { schema: { body: User } }, async ({ body }) => {
    return { user: body, label: Level[body.level]! };
  });
  return server;
}
