import { Module } from '@nestjs/common';
import { UsersRepository } from './users.repository';
import { UsersService } from './users.service';

@Module({ providers: [UsersService, UsersRepository, { provide: 'GREETING', useValue: 'hello' }], exports: [UsersService] })
export class UsersModule {}
