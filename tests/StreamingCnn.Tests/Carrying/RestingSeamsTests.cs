using System.Diagnostics;
using CsCheck;
using StreamingCnn.Execution;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Carrying;

/// <summary>The store that moves seams in the background, under any sequence of calls and with a shelf of any slowness.</summary>
public sealed class RestingSeamsTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"streamingcnn-resting-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Whatever_is_called_values_come_back_as_they_went_and_no_more_is_held_than_said() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Bool).Sample(
        (seed, inFile) =>
        {
            using var scope = NewDisposeScope();
            var random = new Random(seed);
            const long OnTheWay = 2000;
            var file = inFile ? new FileShelf(folder, 0, CPU) : null;
            using var store = new RestingSeams(new SlowShelf(file ?? (ISeamShelf)new HostShelf(CPU), seed), OnTheWay);
            var (there, atHand) = (new Dictionary<SeamKey, Tensor>(), new HashSet<SeamKey>());
            for (var call = 0; call < 150; call++)
            {
                var seam = there.Count == 0 ? default : there.Keys.ElementAt(random.Next(there.Count));
                switch (there.Count == 0 ? 0 : random.Next(6))
                {
                    case 0:
                        seam = new(call, TileEdge.Right, 0, 0);
                        there.Add(seam, rand(1, 2, random.Next(1, 20), 5));
                        store.Put(seam, there[seam].clone());
                        atHand.Add(seam);
                        break;
                    case 1:
                        store.Prefetch(seam);
                        atHand.Add(seam);
                        break;
                    case 2:
                        Assert.Equal(there[seam].data<float>().ToArray(), store.Take(seam).data<float>().ToArray());
                        atHand.Add(seam);
                        break;
                    case 3 or 4:
                        store.Rest(seam);
                        atHand.Remove(seam);
                        break;
                    default:
                        store.Free(seam);
                        Assert.False(store.Has(seam));
                        there.Remove(seam);
                        atHand.Remove(seam);
                        break;
                }

                Assert.Equal(atHand.Sum(key => there[key].NumberOfElements * sizeof(float)), store.Bytes);
            }

            Assert.InRange(store.PeakOnTheWay, 0, OnTheWay);
        },
        iter: 30,
        threads: 1);

    [Fact]
    public void Slots_of_the_file_are_used_again()
    {
        using var scope = NewDisposeScope();
        using var shelf = new FileShelf(folder, 0, CPU);
        for (var index = 0; index < 20; index++)
        {
            shelf.Write(new(index, TileEdge.Bottom, 0, 0), ones(1, 4, 2, 8));
            shelf.Remove(new(index - 2, TileEdge.Bottom, 0, 0));
        }

        Assert.Equal(3 * 64 * sizeof(float), shelf.Length);
    }

    [Fact]
    public void A_failure_in_the_background_is_thrown_at_a_later_call_and_in_place_of_waiting()
    {
        using var scope = NewDisposeScope();
        using var store = new RestingSeams(new FullShelf(), long.MaxValue);
        var (first, second) = (new SeamKey(1, TileEdge.Right, 0, 0), new SeamKey(2, TileEdge.Right, 0, 0));
        store.Put(first, ones(1, 1, 1, 1));
        store.Put(second, ones(1, 1, 1, 1));
        store.Rest(first);

        Action ask = () =>
        {
            while (true)
                store.Prefetch(second);
        };
        var failure = Assert.Throws<IOException>(ask);

        Assert.Equal(FullShelf.Sentence, failure.Message);
        Assert.Equal(FullShelf.Sentence, Assert.Throws<IOException>(() => store.Take(first)).Message);
    }

    [Fact]
    public void A_step_whose_carry_cannot_be_written_ends_with_the_sentence_that_says_so()
    {
        using var scope = NewDisposeScope();
        using var trunk = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3));
        var graph = StreamingCnn.Graph.GraphBuilder.Trace(trunk, 3).Local;
        var grid = GridPlan.ExactlyOnce(graph, [(100, 100)], (16, 16), beyondBorder: false);
        var model = new StepModel(grid, new TrunkCost(graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates()));
        using var run = new StreamedRun(
            new StepPlan(grid, model.Programs, model.Keep(0), (16, 16)),
            new SourceSet(new TensorSource(rand(1, 3, 100, 100), ScalarType.Float32, CPU)),
            new() { MapType = ScalarType.Float32, WillReverse = true, Seams = new RestingSeams(new FullShelf(), 0) });

        Assert.Equal(FullShelf.Sentence, Assert.Throws<IOException>(() => TensorSink.Run(run, null)).Message);
    }

    [Fact]
    public void A_file_that_something_cuts_off_is_told()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using var scope = NewDisposeScope();
        using var shelf = new FileShelf(folder, 0, CPU);
        var seam = new SeamKey(1, TileEdge.Whole, 0, 0);
        shelf.Write(seam, ones(1, 1, 1, 10_000));

        var open = new DirectoryInfo("/proc/self/fd").GetFiles()
            .Single(link => link.LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);
        // The file is locked, and without a name.
        using (var truncate = Process.Start("truncate", ["--size", "0", $"/proc/{Environment.ProcessId}/fd/{open.Name}"]))
            truncate.WaitForExit();

        Assert.EndsWith("ended early; something has cut it off.", Assert.Throws<IOException>(() => shelf.Read(seam)).Message);
    }

    [Fact]
    public void It_may_be_disposed_while_it_works()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            using var scope = NewDisposeScope();
            var shelf = new SlowShelf(new HostShelf(CPU), seed);
            using (var store = new RestingSeams(shelf, long.MaxValue))
            {
                for (var node = 0; node < 10; node++)
                {
                    store.Put(new(node, TileEdge.Right, 0, 0), ones(1, 1, 1, 100));
                    store.Rest(new(node, TileEdge.Right, 0, 0));
                }

                store.Prefetch(new(seed % 10, TileEdge.Right, 0, 0));
            }

            Assert.False(shelf.IsBusy);
        }
    }

    /// <summary>A shelf that takes its time.</summary>
    private sealed class SlowShelf(ISeamShelf shelf, int seed) : ISeamShelf
    {
        private readonly Random random = new(seed);

        public bool IsBusy { get; private set; }

        public void Write(in SeamKey seam, Tensor values)
        {
            Linger();
            shelf.Write(seam, values);
            IsBusy = false;
        }

        public Tensor Read(in SeamKey seam)
        {
            Linger();
            var values = shelf.Read(seam);
            IsBusy = false;
            return values;
        }

        public void Remove(in SeamKey seam) => shelf.Remove(seam);

        public void Dispose() => shelf.Dispose();

        private void Linger()
        {
            IsBusy = true;
            if (random.Next(4) == 0)
                Thread.Sleep(1);
        }
    }

    /// <summary>A shelf without room.</summary>
    private sealed class FullShelf : ISeamShelf
    {
        public const string Sentence = "There is no room.";

        public void Write(in SeamKey seam, Tensor values) => throw new IOException(Sentence);

        public Tensor Read(in SeamKey seam) => throw new InvalidOperationException();

        public void Remove(in SeamKey seam)
        {
        }

        public void Dispose()
        {
        }
    }
}
