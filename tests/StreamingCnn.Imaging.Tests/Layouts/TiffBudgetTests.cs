using System.Buffers.Binary;
using System.Diagnostics;
using StreamingCnn.Imaging.Tests.Augmentation;

namespace StreamingCnn.Imaging.Tests.Layouts;

/// <summary>A small file costs little memory and time to parse, whatever it claims.</summary>
public sealed class TiffBudgetTests : IDisposable
{
    private const int Entry = 12;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Pages by the hundred, each with offsets that lie in the same bytes, every time a little further on.</summary>
    [Theory]
    [InlineData(273, 4)]
    [InlineData(279, 4)]
    [InlineData(34675, 7)]
    [InlineData(320, 3)]
    [InlineData(270, 2)]
    public void Payloads_that_overlap_are_refused(int tag, int type)
    {
        const int pages = 1000;
        const int bytes = 400_000;
        var file = new byte[8 + bytes + (pages * (2 + (3 * Entry) + 4))];
        "II*\0"u8.CopyTo(file);
        Put(file, 4, 8 + bytes);
        var size = type switch { 4 => 4, 3 => 2, _ => 1 };
        for (var page = 0; page < pages; page++)
        {
            var at = 8 + bytes + (page * (2 + (3 * Entry) + 4));
            file[at] = 3;
            Tag(file, at + 2, 256, 4, 1, 10);
            Tag(file, at + 2 + Entry, 257, 4, 1, 10);
            Tag(file, at + 2 + (2 * Entry), tag, type, (bytes - 8000) / size, 8 + (page * size));
            Put(file, at + 2 + (3 * Entry), page == pages - 1 ? 0 : at + 2 + (3 * Entry) + 4);
        }

        Refused(file, "the same bytes again and again");
    }

    /// <summary>Directories that start one byte after the other and share their tags.</summary>
    [Fact]
    public void Directories_that_overlap_are_refused()
    {
        var file = new byte[500_000];
        "II*\0"u8.CopyTo(file);
        Put(file, 4, 8);
        // The count of each, 0x2020 tags, and the offset of the next, which is all the same byte pattern but for its end.
        file.AsSpan(8).Fill(0x20);
        for (var page = 0; page < 4000; page++)
            Put(file, 8 + 2 + (0x2020 * Entry) + (page * 8), 8 + ((page + 1) * 8));
        Refused(file, null);
    }

    [Fact]
    public void Pages_that_share_what_they_refer_to_are_read()
    {
        const int pages = 500;
        const int profile = 100_000;
        var file = new byte[8 + profile + 100 + (pages * (2 + (5 * Entry) + 4))];
        "II*\0"u8.CopyTo(file);
        Put(file, 4, 8 + profile + 100);
        for (var page = 0; page < pages; page++)
        {
            var at = 8 + profile + 100 + (page * (2 + (5 * Entry) + 4));
            file[at] = 5;
            Tag(file, at + 2, 256, 4, 1, 10);
            Tag(file, at + 2 + Entry, 257, 4, 1, 10);
            Tag(file, at + 2 + (2 * Entry), 273, 4, 1, 8 + profile);
            Tag(file, at + 2 + (3 * Entry), 279, 4, 1, 100);
            Tag(file, at + 2 + (4 * Entry), 34675, 7, profile, 8);
            Put(file, at + 2 + (5 * Entry), page == pages - 1 ? 0 : at + 2 + (5 * Entry) + 4);
        }

        Assert.Equal(pages, TiffFile.Read(Write(file)).Directories.Count);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(5)]
    [InlineData(32773)]
    [InlineData(7)]
    public void A_block_that_claims_more_than_its_bytes_can_hold_takes_no_memory(int compression)
    {
        var path = Path.Combine(folder.Path, "claims.tif");
        TiffWriter.Write(path, new TiffLayoutCase { Height = 4, Width = 4, Bands = 3, BlockHeight = 4, Planar = true }, (_, _, _) => 3);
        var file = File.ReadAllBytes(path);
        var directory = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4));
        for (var at = directory + 2; at < file.Length - 4; at += Entry)
        {
            switch (BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at)))
            {
                case 256 or 257 or 278:
                    Put(file, at + 8, 30_000);
                    break;
                case 259:
                    Put(file, at + 8, compression);
                    break;
            }
        }

        Refused(file, null);
    }

    private void Refused(byte[] file, string? why)
    {
        var path = Write(file);
        var (before, clock) = (GC.GetTotalAllocatedBytes(), Stopwatch.StartNew());
        var error = Assert.Throws<ImageFormatException>(() =>
        {
            using var source = ImageSource.Open(path);
            source.Read(0, 0, 1, 1).Dispose();
        });
        if (why is not null)
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, (20L * file.Length) + (8 << 20));
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
    }

    private string Write(byte[] file)
    {
        var path = Path.Combine(folder.Path, "file.tif");
        File.WriteAllBytes(path, file);
        return path;
    }

    private static void Tag(byte[] file, int at, int tag, int type, int count, int value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)tag);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at + 2), (ushort)type);
        Put(file, at + 4, count);
        Put(file, at + 8, value);
    }

    private static void Put(byte[] file, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
}
