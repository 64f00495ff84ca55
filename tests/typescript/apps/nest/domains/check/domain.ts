import 'reflect-metadata';
import { DomainBase } from '@fulcrum/domain';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './src/app.module';
import { UsersService } from './src/users/users.service';

export default class Check extends DomainBase {
  private app?: INestApplicationContext;

  override async onStart(): Promise<void> {
    this.app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  }

  appCheckHandler(): object {
    return { greeting: this.app!.get(UsersService).greet(2) };
  }
}
