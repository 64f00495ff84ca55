export enum Role {
  Admin = 'admin',
  Guest = 'guest',
}

export class User {
  constructor(
    readonly id: number,
    readonly name: string,
    readonly role: Role = Role.Guest,
  ) {}
}
