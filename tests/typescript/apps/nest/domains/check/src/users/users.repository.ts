import { Injectable } from '@nestjs/common';
import { Role, User } from './user.entity';

@Injectable()
export class UsersRepository {
  private readonly users: User[] = [new User(1, 'ann'), new User(2, 'bo', Role.Admin)];

  find(id: number): User | undefined {
    return this.users.find((user) => user.id === id);
  }
}
