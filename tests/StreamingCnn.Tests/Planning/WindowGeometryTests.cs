using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Modules that the engine cannot see into, along one axis.</summary>
public class WindowGeometryTests
{
    [Fact]
    public void Tiles_own_each_output_once_and_read_what_it_reads() => Gen.Select(
        Gen.Long[1, 6], Gen.Long[-9, 0], Gen.Long[1, 12], Gen.Long[-6, 6], Gen.Long[1, 150], Gen.Long[1, 60]).Sample(
        (stride, first, end, surplus, length, tile) =>
        {
            var geometry = new WindowGeometry(stride, first, end, surplus);
            var outputs = geometry.OutputLength(length);
            if (outputs < 1)
                return;
            long covered = 0;
            for (var step = 0; step * tile < length; step++)
            {
                var owned = geometry.Owned(step, tile, length);
                Law.Holds(owned.Start == covered, $"tile {step} owns {owned} after {covered}");
                covered = owned.End;
                if (owned.IsEmpty)
                    continue;
                var window = geometry.Window(owned, length);
                Law.Holds(window.Start % stride == 0, $"tile {step}: the window {window} is not on the grid of {stride}");
                for (var output = owned.Start; output < owned.End; output++)
                {
                    var read = new Interval((stride * output) + first, (stride * output) + end).Intersect(new(0, length));
                    Law.Holds(window.Contains(read), $"tile {step}: output {output} reads {read}, the window is {window}");
                }
            }

            Law.Holds(covered == outputs, $"owned up to {covered} of {outputs}");
        },
        iter: 2000,
        threads: 1);
}
