using StreamingCnn.Execution;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Testing;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Stages;

/// <summary>Maps that are elsewhere: little of them is in memory, nothing of them stays behind, and what fails is told.</summary>
public sealed class RestingMapTests
{
    private static readonly Region Corner = new(new(0, 2), new(0, 3));

    [Fact]
    public void A_large_map_goes_through_a_file_with_some_tiles_of_it_in_memory()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        const long Side = 128;
        const long Tile = Side * Side * 16 * sizeof(float);
        using var shelf = new RestingMapShelf(
            new ScratchFile("store of maps", folder.Path, 200 * Tile), CPU, MapFormat.ChannelsLast, 3 * Tile);
        using var map = shelf.New(new(1, 16, 10 * Side, 20 * Side), ScalarType.Float32);
        var values = rand(1, 16, Side, Side);
        var tiles = (from row in Enumerable.Range(0, 10) from column in Enumerable.Range(0, 20) select (row, column)).ToArray();

        foreach (var (row, column) in tiles)
        {
            values.select(1, 0).fill_((100 * row) + column);
            map.Write(row * Side, column * Side, values);
        }

        map.Complete();
        map.Prefetch(At(0));
        for (var tile = 0; tile < tiles.Length; tile++)
        {
            if (tile + 1 < tiles.Length)
                map.Prefetch(At(tile + 1));
            using var read = map.Read(At(tile));
            values.select(1, 0).fill_((100 * tiles[tile].row) + tiles[tile].column);
            Assert.True(Compare.AreEqual(read, values));
        }

        Assert.Equal(tiles.Length, shelf.Hits);
        Assert.InRange(shelf.PeakBytes, Tile, 6 * Tile);
        Assert.Equal(200 * Tile, shelf.PeakBytesElsewhere);
        Assert.Equal(0, shelf.Bytes);
        Assert.True(OperatingSystem.IsWindows() || Directory.GetFiles(folder.Path).Length == 0);

        Region At(int tile) => new(
            new(tiles[tile].row * Side, (tiles[tile].row + 1) * Side), new(tiles[tile].column * Side, (tiles[tile].column + 1) * Side));
    }

    [Fact]
    public void The_room_of_a_map_that_is_disposed_is_used_again()
    {
        using var scope = NewDisposeScope();
        using var shelf = new RestingMapShelf(new ScratchFile("store of maps", null, 0), CPU, MapFormat.ChannelsLast, 1000);
        for (var round = 0; round < 5; round++)
        {
            using var map = shelf.New(new(2, 3, 4, 5), ScalarType.Float32);
            // What was there before is not added to.
            map.AddRows(2, full([2, 3, 2, 5], round));
            map.Complete();
            Assert.Equal(round, map.Read(new(new(2, 4), new(0, 5))).max().item<float>());
            Assert.Equal(0, map.Read(new(new(0, 2), new(0, 5))).max().item<float>());
        }

        Assert.Equal(120 * sizeof(float), shelf.PeakBytesElsewhere);
    }

    [Fact]
    public void Whatever_is_going_on_a_map_may_be_disposed_and_nothing_stays_in_memory()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            using var scope = NewDisposeScope();
            var random = new Random(seed);
            var scratch = new SlowScratch(seed);
            var shelf = new RestingMapShelf(scratch, CPU, MapFormat.ChannelsLast, 500);
            StoredMap[] maps = [.. Enumerable.Range(0, 3).Select(_ => shelf.New(new(1, 2, 4, 6), ScalarType.Float32))];
            foreach (var map in maps)
            {
                for (var row = 0; row < 4; row++)
                    map.Write(row, 0, ones(1, 2, 1, 6));
                if (random.Next(2) == 0)
                    continue;
                map.Complete();
                map.Prefetch(Corner);
                map.Prefetch(map.Shape.Whole);
                if (random.Next(2) == 0)
                    Assert.Equal(12, map.Read(Corner).sum().item<float>());
            }

            if (random.Next(2) == 0)
                shelf.Dispose();
            for (var i = 0; i < 6; i++)
                maps[i % 3].Dispose();
            Assert.Equal(0, shelf.Bytes);
            shelf.Dispose();
            shelf.Dispose();
            Assert.False(scratch.IsBusy);
        }
    }

    [Fact]
    public void A_full_disk_is_told_by_one_sentence_at_a_later_call()
    {
        using var scope = NewDisposeScope();
        using var file = new ScratchFile("store of maps", null, 0);
        using var shelf = new RestingMapShelf(new FarScratch(file), CPU, MapFormat.ChannelsLast, 1000);
        using var map = shelf.New(new(1, 1, 2, 3), ScalarType.Float32);
        map.Write(0, 0, ones(1, 1, 2, 3));

        var failure = Assert.Throws<IOException>(map.Complete);

        Assert.StartsWith($"The store of maps cannot be written to '{Path.GetFullPath(Path.GetTempPath())}': ", failure.Message);
        Assert.EndsWith(". Choose another folder with StreamingOptions.CarryFolder.", failure.Message);
        Assert.Equal(failure.Message, Assert.Throws<IOException>(() => map.Prefetch(Corner)).Message);
        Assert.Equal(failure.Message, Assert.Throws<IOException>(() => map.Read(Corner)).Message);
    }

    [Fact]
    public void A_folder_that_cannot_be_one_is_named_with_what_was_to_be_kept_there()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("a file", "");

        var failure = Assert.Throws<IOException>(() => new ScratchFile("store of maps", file, 0));

        Assert.StartsWith($"The store of maps cannot be kept in the folder '{file}': ", failure.Message);
    }

    /// <summary>Room that takes its time.</summary>
    private sealed class SlowScratch(int seed) : IScratch
    {
        private readonly HostScratch scratch = new();
        private readonly Random random = new(seed);
        private int busy;

        public bool IsBusy => busy > 0;

        public long Length => scratch.Length;

        public long Take(long bytes) => scratch.Take(bytes);

        public void Give(long start) => scratch.Give(start);

        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            Linger();
            scratch.Write(bytes, position);
            Interlocked.Decrement(ref busy);
        }

        public void Read(Span<byte> bytes, long position)
        {
            Linger();
            scratch.Read(bytes, position);
            Interlocked.Decrement(ref busy);
        }

        public void Dispose() => scratch.Dispose();

        private void Linger()
        {
            Interlocked.Increment(ref busy);
            lock (random)
            {
                if (random.Next(3) == 0)
                    Thread.Sleep(1);
            }
        }
    }

    /// <summary>Room behind the last byte that a file can have.</summary>
    private sealed class FarScratch(ScratchFile file) : IScratch
    {
        public long Length => file.Length;

        public long Take(long bytes) => long.MaxValue - 4;

        public void Give(long start)
        {
        }

        public void Write(ReadOnlySpan<byte> bytes, long position) => file.Write(bytes, position);

        public void Read(Span<byte> bytes, long position) => file.Read(bytes, position);

        public void Dispose()
        {
        }
    }
}
