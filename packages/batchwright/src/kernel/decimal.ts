export declare class Decimal {}
