// What Yosys has no model of among ECP5's primitives, as Yosys maps to them: without registers of their own.
// Lattice, "ECP5 and ECP5-5G sysDSP Usage Guide" (FPGA-TN-02205) and "Memory Usage Guide" (FPGA-TN-02204).

// Each factor is signed or not; the product has all bits.
module MULT18X18D(
  input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
  input B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
  input C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17,
  output P18, P19, P20, P21, P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [18:0] x = {SIGNEDA & a[17], a};
  wire signed [18:0] y = {SIGNEDB & b[17], b};
  wire signed [37:0] product = x * y;
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
          P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = product[35:0];
endmodule

// 512 words of 36 bits. A port of 18 bits enables its bytes by the lowest two bits of its address; one of 36,
// which writes as A and reads as B, takes the data pins of both ports, and the lowest four bits. Contents
// begin as anything: what needs INITVAL is not modelled.
module DP16KD(
  input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
  input DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
  input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA0, CSA1, CSA2,
  output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
  output DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
  input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
  input DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
  input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB0, CSB1, CSB2,
  output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
  output DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "AUTO";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;

  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                     DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                     DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [35:0] mask_a, mask_b;
  wire [35:0] data_a, data_b;
  wire [5:0] place_a, place_b;
  reg [35:0] words [0:511];
  reg [35:0] out_a, out_b;

  lattice_port #(.WIDTH(DATA_WIDTH_A)) a(.address(ada), .in({dib, dia}), .mask(mask_a), .data(data_a),
                                         .place(place_a));
  lattice_port #(.WIDTH(DATA_WIDTH_B)) b(.address(adb), .in({18'b0, dib}), .mask(mask_b), .data(data_b),
                                         .place(place_b));

  integer i;
  always @(posedge CLKA)
    if (CEA & WEA & ~RSTA)
      for (i = 0; i < 36; i = i + 1)
        if (mask_a[i]) words[ada[13:5]][i] <= data_a[i];
  always @(posedge CLKB)
    if (CEB & WEB & ~RSTB)
      for (i = 0; i < 36; i = i + 1)
        if (mask_b[i]) words[adb[13:5]][i] <= data_b[i];

  // NORMAL: the output stays during a write.
  always @(posedge CLKA)
    if (RSTA) out_a <= 0;
    else if (CEA) begin
      if (!WEA || WRITEMODE_A == "READBEFOREWRITE") out_a <= words[ada[13:5]] >> place_a;
      else if (WRITEMODE_A == "WRITETHROUGH")
        out_a <= ((words[ada[13:5]] & ~mask_a) | (data_a & mask_a)) >> place_a;
    end
  always @(posedge CLKB)
    if (RSTB) out_b <= 0;
    else if (CEB) begin
      if (!WEB || WRITEMODE_B == "READBEFOREWRITE") out_b <= words[adb[13:5]] >> place_b;
      else if (WRITEMODE_B == "WRITETHROUGH")
        out_b <= ((words[adb[13:5]] & ~mask_b) | (data_b & mask_b)) >> place_b;
    end

  wire [17:0] doa = DATA_WIDTH_B == 36 ? out_b[17:0] : out_a[17:0];
  wire [17:0] dob = DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
          DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = doa;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
          DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = dob;
endmodule

// Where a port's bits lie in a word of 36, and which of them it writes.
module lattice_port(input [13:0] address, input [35:0] in, output [35:0] mask, data, output [5:0] place);
  parameter WIDTH = 18;
  assign place = WIDTH == 36 ? 0
    : (address[4] ? 18 : 0) + (WIDTH == 18 ? 0 : (address[3] ? 9 : 0) + (WIDTH == 9 ? 0 : address[2:0]));
  wire [35:0] written = WIDTH == 36 ? {{9{address[3]}}, {9{address[2]}}, {9{address[1]}}, {9{address[0]}}}
    : WIDTH == 18 ? {{9{address[1]}}, {9{address[0]}}} : (1 << WIDTH) - 1;
  assign mask = written << place;
  assign data = in << place;
endmodule
