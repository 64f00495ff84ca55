import { Column, Entity, OneToMany, PrimaryGeneratedColumn } from 'typeorm';
import type { Relation } from 'typeorm';
import { Post } from './post.js';

@Entity()
export class Author {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  name!: string;

  @OneToMany(() => Post, (post) => post.author)
  posts?: Relation<Post>[];

  constructor(name?: string) {
    if (name !== undefined) this.name = name;
  }
}
