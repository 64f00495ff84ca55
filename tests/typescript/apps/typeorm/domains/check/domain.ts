import 'reflect-metadata';
import { DomainBase } from '@fulcrum/domain';
import { DataSource } from 'typeorm';
import { Author } from '@entities/author.js';
import { Post } from '@entities/post.js';

export default class Check extends DomainBase {
  private source = new DataSource({ type: 'sqljs', entities: [Author, Post], synchronize: true });

  override async onStart(): Promise<void> {
    await this.source.initialize();
    await this.source.manager.save(new Post('first', new Author('ann')));
  }

  async appCheckHandler(): Promise<object> {
    const [post] = await this.source.getRepository(Post).find({ relations: { author: true } });
    const columns = this.source.getMetadata(Post).columns.map((column) => `${column.propertyName}: ${typeof column.type === 'function' ? column.type.name : column.type}`);
    return { title: post!.title, author: post!.author.name, words: post!.words, columns };
  }
}
