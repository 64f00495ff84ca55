import { Column, Entity, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import type { Relation } from 'typeorm';
import { Author } from './author.js';

@Entity()
export class Post {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  title!: string;

  @Column()
  words!: number;

  @Column()
  published!: boolean;

  @ManyToOne(() => Author, (author) => author.posts, { cascade: true })
  author!: Relation<Author>;

  constructor(title?: string, author?: Relation<Author>) {
    if (title === undefined || author === undefined) return;
    this.title = title;
    this.words = title.split(' ').length;
    this.published = true;
    this.author = author;
  }
}
