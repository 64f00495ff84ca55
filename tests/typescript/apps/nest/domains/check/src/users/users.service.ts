import { Inject, Injectable } from '@nestjs/common';
import { UsersRepository } from './users.repository';

@Injectable()
export class UsersService {
  constructor(
    private readonly repository: UsersRepository,
    @Inject('GREETING') private readonly greeting: string,
  ) {}

  greet(id: number): string {
    const user = this.repository.find(id);
    return `${this.greeting}, ${user?.name} (${user?.role})`;
  }
}
