using CsCheck;
using StreamingCnn.Interop;

namespace StreamingCnn.Tests.Interop;

/// <summary>The heap's blocks over memory that comes in whole chunks when it is touched, as a system gives it.</summary>
public class HeapSpaceTests
{
    // Blocks begin and end at parts of a chunk.
    private const long Part = ResidentChunks.Chunk / 4;
    private const int PartsOfChunk = (int)(ResidentChunks.Chunk / Part);
    private const int Half = 30 * PartsOfChunk;

    private static readonly Step[] Likely = [Step.Take, Step.Take, Step.Take, Step.Give, Step.Give, Step.Begin, Step.End, Step.Trim];

    private static readonly Gen<(int Step, int Number, bool OutlivesTiles)[]> Steps =
        Gen.Select(Gen.Int[0, Likely.Length - 1], Gen.Int[1, 25], Gen.Bool).Array[0, 120];

    [Fact]
    public void Only_gaps_are_emptied_and_resident_memory_keeps_to_the_limit_as_far_as_what_is_alive_lets_it() =>
        Steps.Sample(
            steps =>
            {
                var memory = new Memory();
                foreach (var (step, number, outlivesTiles) in steps)
                    memory.Do(Likely[step], number, outlivesTiles);
            },
            threads: 1);

    [Fact]
    public void Without_a_run_nothing_is_emptied_and_with_one_no_more_than_is_needed()
    {
        var emptied = new List<(long, long)>();
        var space = new HeapSpace(Half * Part, (start, end) => emptied.Add((start, end)));
        var gap = space.Take(8 * ResidentChunks.Chunk, false);
        space.Take(ResidentChunks.Chunk, false);
        space.Give(gap);

        space.Take(9 * ResidentChunks.Chunk, false);
        Assert.Empty(emptied);
        Assert.Equal(18 * ResidentChunks.Chunk, space.Resident);

        space.Begin(14 * ResidentChunks.Chunk);
        space.Take(10 * ResidentChunks.Chunk, true);
        Assert.Equal([(4 * ResidentChunks.Chunk, 8 * ResidentChunks.Chunk)], emptied);
        Assert.Equal(24 * ResidentChunks.Chunk, space.Resident);

        space.Take(4 * ResidentChunks.Chunk, false);
        Assert.Single(emptied);
        space.End(14 * ResidentChunks.Chunk);
        space.Give(space.Take(3 * ResidentChunks.Chunk, true));
        Assert.Single(emptied);
        Assert.Equal(27 * ResidentChunks.Chunk, space.Resident);
    }

    private enum Step
    {
        Take,
        Give,
        Begin,
        End,
        Trim,
    }

    private sealed class Memory
    {
        private readonly HeapSpace space;
        private readonly int[] values = new int[2 * Half];
        private readonly bool[] isThere = new bool[2 * Half / PartsOfChunk];
        private readonly List<(int Start, int Length, int Value)> blocks = [];
        private readonly List<long> runs = [];
        private long limit;
        private int next = 1;

        public Memory() => space = new(Half * Part, Empty);

        private long Taken => blocks.Sum(block => block.Length) * Part;

        private long Resident => isThere.Count(there => there) * ResidentChunks.Chunk;

        public void Do(Step step, int number, bool outlivesTiles)
        {
            switch (step)
            {
                case Step.Take:
                    Take(number, outlivesTiles);
                    break;
                case Step.Give when blocks.Count > 0:
                    var block = blocks[number % blocks.Count];
                    blocks.Remove(block);
                    space.Give(block.Start * Part);
                    break;
                case Step.Begin:
                    limit = (runs.Count > 0 ? Math.Max(limit, Taken) : Taken) + (number * Part);
                    runs.Add(number * Part);
                    space.Begin(number * Part);
                    break;
                case Step.End when runs.Count > 0:
                    var run = runs[number % runs.Count];
                    runs.Remove(run);
                    limit -= run;
                    space.End(run);
                    break;
                case Step.Trim:
                    space.Trim();
                    Assert.Equal(Alive(), Resident);
                    break;
            }

            Assert.Equal((Taken, Resident), (space.Taken, space.Resident));
            foreach (var (start, length, value) in blocks)
                Assert.All(values[start..(start + length)], found => Assert.Equal(value, found));
        }

        private void Take(int length, bool outlivesTiles)
        {
            var before = Resident;
            var position = space.Take(length * Part, outlivesTiles);
            if (position < 0)
                return;
            var start = (int)(position / Part);
            Assert.Equal(outlivesTiles, start >= Half);
            blocks.Add((start, length, next));
            Array.Fill(values, next++, start, length);
            Array.Fill(isThere, true, start / PartsOfChunk, ((start + length + PartsOfChunk - 1) / PartsOfChunk) - (start / PartsOfChunk));
            if (runs.Count > 0)
                Assert.InRange(Resident, 0, Math.Max(Math.Max(before, limit), Math.Max(Taken + (Taken / 32), Alive())));
        }

        private void Empty(long from, long to)
        {
            var (start, end) = ((int)((from + Part - 1) / Part), (int)(to / Part));
            Array.Clear(values, start, end - start);
            for (var chunk = (start + PartsOfChunk - 1) / PartsOfChunk; chunk < end / PartsOfChunk; chunk++)
                isThere[chunk] = false;
        }

        /// <summary>Bytes of the chunks that a block has a part of.</summary>
        private long Alive() => blocks
            .SelectMany(block => Enumerable.Range(block.Start, block.Length), (_, part) => part / PartsOfChunk)
            .Distinct().Count() * ResidentChunks.Chunk;
    }
}
